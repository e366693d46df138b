//! `project`: the borders between teams.

use model::Name;
use serde_json::json;

use super::{
    Global,
    answers::{self, List},
    failure::Failure,
    show,
};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Project {
    /// List all projects.
    List,
    /// Create a project. Everything belongs to one, and nothing is seen across.
    Create {
        /// Its name.
        name: Name,
    },
}

impl Project {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = global.client()?;
        match self {
            Self::List => {
                let answer = client.get("/v1/projects").await?;
                global.show(&answer, |List { items }: List<answers::Project>| {
                    let rows = items.into_iter().map(|project| vec![project.name, show::time(project.created)]);
                    show::table(&["name", "created"], rows)
                })
            }
            Self::Create { name } => {
                let answer = client.put(&format!("/v1/projects/{name}"), &json!({})).await?;
                let text = format!("project {name} is there; name it with --project {name} or SNAPHOOK_PROJECT");
                global.done(&answer, &text)
            }
        }
    }
}
