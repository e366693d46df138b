//! What an operator configures, and what of it each event needs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use signatures::{Options, Recipe};

/// As it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// `stripe`, `github`, …; or `custom`, with `recipe`.
    provider: String,
    /// How a provider signs that is not known here.
    #[serde(default)]
    recipe: Option<Recipe>,
    #[serde(default = "secret")]
    secret: String,
    #[serde(default)]
    settings: BTreeMap<String, String>,
    #[serde(default)]
    public_urls: Vec<String>,
    #[serde(default)]
    legacy: bool,
    #[serde(default)]
    window: Option<u64>,
    #[serde(default)]
    require_signature: bool,
    #[serde(default)]
    report_only: bool,
    #[serde(default)]
    once_seconds: Option<u32>,
    #[serde(default = "yes")]
    diagnose: bool,
    #[serde(default)]
    other_secrets: Vec<String>,
    #[serde(default)]
    keep_credentials: bool,
}

/// What is not the recipe. `config.schema.json` says what each is for.
#[derive(Serialize, Deserialize)]
pub(crate) struct Rest {
    /// Under which name the attachment grants the secret.
    pub(crate) secret: String,
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) public_urls: Vec<String>,
    pub(crate) legacy: bool,
    pub(crate) window: Option<u64>,
    pub(crate) require_signature: bool,
    pub(crate) report_only: bool,
    pub(crate) once_seconds: Option<u32>,
    pub(crate) diagnose: bool,
    /// Tried in a diagnosis only.
    pub(crate) other_secrets: Vec<String>,
    pub(crate) keep_credentials: bool,
}

fn secret() -> String {
    "secret".to_owned()
}

fn yes() -> bool {
    true
}

/// As it is meant.
#[derive(Serialize, Deserialize)]
pub(crate) struct Meant {
    pub(crate) provider: String,
    pub(crate) recipe: Recipe,
    pub(crate) rest: Rest,
}

/// Read from what is written; kept as what is meant.
#[derive(Deserialize)]
#[serde(try_from = "Written")]
pub(crate) struct Config(pub(crate) Meant);

impl TryFrom<Written> for Config {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { provider, recipe, secret, settings, public_urls, legacy, window, .. } = written;
        let Written { require_signature, report_only, once_seconds, diagnose, other_secrets, keep_credentials, .. } =
            written;
        let rest = Rest {
            secret,
            settings,
            public_urls,
            legacy,
            window,
            require_signature,
            report_only,
            once_seconds,
            diagnose,
            other_secrets,
            keep_credentials,
        };
        let recipe = match (provider.as_str(), recipe) {
            ("custom", Some(recipe)) if !recipe.schemes.is_empty() => recipe,
            ("custom", Some(_)) => return Err("recipe: it has no scheme: write [[recipe.scheme]]".to_owned()),
            ("custom", None) => {
                return Err("recipe: is missing: provider `custom` takes how it signs from there".to_owned());
            }
            (_, Some(_)) => return Err("recipe: is for provider `custom` only".to_owned()),
            (name, None) => signatures::recipe(name).ok_or_else(|| unknown(name))?,
        };
        for name in recipe.settings.keys().filter(|name| !rest.settings.contains_key(*name)) {
            let what = &recipe.settings[name];
            // Those that have a default say so.
            if !what.contains("if not given") && !OPTIONAL.contains(&name.as_str()) {
                return Err(format!("settings.{name}: is missing: {what}"));
            }
        }
        if let Some(name) = rest.settings.keys().find(|name| !recipe.settings.contains_key(*name)) {
            let known: Vec<&str> = recipe.settings.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "it takes none".to_owned() } else { known.join(", ") };
            return Err(format!("settings.{name}: {provider} does not read it: {known}"));
        }
        for (index, url) in rest.public_urls.iter().enumerate() {
            if !url.starts_with("https://") && !url.starts_with("http://") {
                return Err(format!(
                    "public_urls[{index}]: `{url}` is no URL: write https://HOST or https://HOST/PATH"
                ));
            }
        }
        if rest.once_seconds.is_some() && recipe.id.is_none() {
            return Err(format!("once_seconds: {provider} gives its deliveries no id"));
        }
        Ok(Self(Meant {
            provider,
            recipe: Recipe { name: String::new(), docs: String::new(), secret: None, ..recipe },
            rest,
        }))
    }
}

/// Settings that a recipe goes on without.
const OPTIONAL: [&str; 6] = ["components", "label", "keyid", "window", "environment", "confirmation_code"];

fn unknown(name: &str) -> String {
    let distance = |known: &&str| {
        let (known, name) = (known.as_bytes(), name.as_bytes());
        let same = known.iter().zip(name).take_while(|(one, other)| one == other).count();
        std::cmp::Reverse(same)
    };
    let mut names: Vec<&str> = signatures::names().collect();
    names.sort_by_key(distance);
    let near: Vec<&str> = names.into_iter().take(3).collect();
    format!(
        "provider: there is no recipe for `{name}`; perhaps {}; or `custom` with a recipe of your own",
        near.join(", ")
    )
}

impl Meant {
    pub(crate) fn options(&self) -> Options<'_> {
        Options {
            secret: &self.rest.secret,
            public_urls: &self.rest.public_urls,
            legacy: self.rest.legacy,
            window: self.rest.window,
        }
    }
}
