//! `status`: whether the host runs, and what it serves.

use super::{Global, answers::Status, failure::Failure, show};

pub(crate) async fn run(global: &Global) -> Result<(), Failure> {
    let answer = global.client()?.get("/v1/status").await?;
    global.show(&answer, |status| text(&status))
}

fn text(status: &Status) -> String {
    let mut facts = vec![
        ("version", status.version.clone()),
        ("started", show::time(status.started)),
        ("revision", status.revision.to_string()),
        ("projects", status.projects.to_string()),
        ("routes", status.routes.to_string()),
        ("modules", status.modules.to_string()),
    ];
    if status.search_lag > 0 {
        facts.push(("search lag", show::count(status.search_lag, "event", "events")));
    }
    facts.extend(status.trouble.iter().map(|trouble| ("trouble", trouble.clone())));
    facts.extend(status.gateway.iter().map(|gateway| ("gateway", format!("http://{gateway}"))));
    show::facts(&facts)
}
