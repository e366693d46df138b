//! `attach` and `detach`: filters on and off a route.

use model::{Name, route::ModuleRef, spec::RouteRecord};
use serde_json::json;

use super::{Global, attachment, failure::Failure, route};

#[derive(Debug, clap::Args)]
pub(crate) struct Attach {
    /// The route.
    route: Name,
    /// NAME (its newest version), NAME@3, NAME@ALIAS or a digest.
    module: ModuleRef,
    /// The filter's name on the route; by default the module's. A filter of this name is replaced and keeps its place.
    #[arg(long)]
    name: Option<Name>,
    /// A right: secrets.NAME=SECRET lets the filter verify and sign with one of the project's secrets, reveal.NAME=SECRET
    /// lets it read one, kv=NAMESPACE gives it a key-value namespace. NAME is what its code says.
    #[arg(long = "grant", value_name = "RIGHT")]
    grants: Vec<String>,
    /// Its place in the chain, from 0; by default at the end.
    #[arg(long, value_name = "N")]
    position: Option<u32>,
    #[command(flatten)]
    parts: attachment::Parts,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Detach {
    /// The route.
    route: Name,
    /// The filter's name on the route.
    filter: Name,
}

impl Attach {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        let name = self.name.map_or_else(|| attachment::filter_name(&self.module), Ok)?;
        let spec = self.parts.spec(&name, self.module.to_string(), attachment::grants(&self.grants)?)?;
        let mut body = json!({ "filter": spec });
        if let Some(position) = self.position {
            body["position"] = position.into();
        }
        let answer = global.client()?.post(&format!("/routes/{}/filters", self.route), &body).await?;
        global.show(&answer, |record: RouteRecord| route::text(&record))
    }
}

impl Detach {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        let answer = global.client()?.delete(&format!("/routes/{}/filters/{}", self.route, self.filter)).await?;
        global.show(&answer, |record: RouteRecord| route::text(&record))
    }
}
