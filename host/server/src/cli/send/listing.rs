//! What can be made up.

use serde_json::json;
use signatures::send;

use super::super::{Global, failure::Failure, show};

/// The providers; or one of them, with its events.
pub(super) fn list(global: &Global, provider: Option<&str>) -> Result<(), Failure> {
    let Some(provider) = provider else {
        let all = signatures::names().filter_map(|name| Some((name, signatures::recipe(name)?)));
        if global.json {
            let all: Vec<_> = all
                .map(|(name, recipe)| json!({ "provider": name, "name": recipe.name, "docs": recipe.docs }))
                .collect();
            return show::print_json(&json!(all));
        }
        let text: String = all.map(|(name, recipe)| format!("{name:24} {}\n", recipe.name)).collect();
        return show::print(&text);
    };
    let unknown = || Failure::usage(format!("there is no provider `{provider}`: `snaphook send --list` lists them"));
    let (recipe, habits) =
        (signatures::recipe(provider).ok_or_else(unknown)?, send::habits(provider).ok_or_else(unknown)?);
    if global.json {
        return show::print_json(&json!({
            "provider": provider, "name": recipe.name, "docs": recipe.docs, "secret": recipe.secret,
            "settings": recipe.settings, "events": habits.events, "note": send::note(provider),
        }));
    }
    let settings: Vec<String> = recipe.settings.iter().map(|(name, what)| format!("{name}: {what}")).collect();
    show::print(&show::facts(&[
        ("provider", recipe.name.clone()),
        ("events", habits.events.join("\n")),
        ("secret", recipe.secret.clone().unwrap_or_else(|| "none".to_owned())),
        ("settings", if settings.is_empty() { "none".to_owned() } else { settings.join("\n") }),
        ("note", send::note(provider).unwrap_or_default()),
        ("documented at", recipe.docs.clone()),
    ]))
}
