//! With what an event is signed.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use http::Uri;
use model::{Secret, Timestamp};
use signatures::{
    Algorithm, Recipe, Scheme,
    native::PrivateKey,
    send::{self, Sent, Signer},
};

use super::super::{failure::Failure, secret};

/// Seconds past a provider's window that a stale signature is.
const STALE_BY: u64 = 60;
/// How old a stale signature is where the provider has no window.
const STALE_SECONDS: u64 = 3_600;

/// How an event is signed.
#[derive(Debug)]
pub(super) struct Way {
    /// The provider's, or the recipe's file.
    name: String,
    recipe: Recipe,
    scheme: Scheme,
}

impl Way {
    pub(super) fn is_github(&self) -> bool {
        self.name == "github"
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct Signing {
    /// The secret. Without one the event is not signed. Others on this machine can see it: prefer --secret-env.
    #[arg(long, value_name = "SECRET", conflicts_with_all = ["secret_env", "secret_file"])]
    secret: Option<String>,
    /// An environment variable that holds the secret.
    #[arg(long, value_name = "VARIABLE", conflicts_with = "secret_file")]
    secret_env: Option<String>,
    /// A file that holds the secret; a line break at its end is left out.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// For providers that sign with a private key: it, as PKCS #8 in PEM.
    #[arg(long, value_name = "FILE")]
    private_key: Option<PathBuf>,
    /// What the provider's recipe reads beside the event: `webhook_id=WH-1`.
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    setting: Vec<(String, String)>,
    /// Sign by a recipe of your own: a TOML file with what `config.recipe` of a route has, such as [[scheme]].
    #[arg(long, value_name = "FILE", conflicts_with = "provider")]
    recipe: Option<PathBuf>,
    /// Which of the provider's schemes, from 0.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    scheme: usize,
    /// The URL that the provider would know, where that is signed and another one than where the event goes.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` has no `=`: write NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Signing {
    pub(super) fn secret(&self) -> Result<Option<Secret>, Failure> {
        let usage = |option: &str| {
            let option = option.to_owned();
            move |problem: String| Failure::usage(format!("{option}: {problem}"))
        };
        match (&self.secret, &self.secret_env, &self.secret_file) {
            (Some(text), ..) => Ok(Some(Secret::new(text.clone().into_bytes()))),
            (_, Some(variable), _) => secret::of_variable(variable).map(Some).map_err(usage("--secret-env")),
            (.., Some(file)) => secret::of_file(file).map(Some).map_err(usage("--secret-file")),
            _ => Ok(None),
        }
    }

    pub(super) const fn has_recipe(&self) -> bool {
        self.recipe.is_some()
    }

    pub(super) fn public_url(&self, url: &Uri) -> String {
        self.public_url.clone().unwrap_or_else(|| url.to_string())
    }

    /// How this provider signs; or, without one, how the recipe says, if there is one.
    pub(super) fn way(&self, provider: Option<&str>) -> Result<Option<Way>, Failure> {
        let (name, recipe) = match (provider, &self.recipe) {
            (Some(provider), _) => {
                let unknown = || format!("there is no provider `{provider}`: `snaphook send --list` lists them");
                (provider.to_owned(), signatures::recipe(provider).ok_or_else(|| Failure::usage(unknown()))?)
            }
            (None, Some(file)) => (file.display().to_string(), read(file)?),
            (None, None) => return Ok(None),
        };
        let Some(scheme) = recipe.schemes.get(self.scheme).cloned() else {
            let last = recipe.schemes.len().saturating_sub(1);
            return Err(Failure::usage(format!("--scheme {}: the last one of {name} is {last}", self.scheme)));
        };
        if let Some((setting, _)) = self.setting.iter().find(|(setting, _)| !recipe.settings.contains_key(setting))
            && provider.is_some()
        {
            let known: Vec<&str> = recipe.settings.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "it reads none".to_owned() } else { known.join(", ") };
            return Err(Failure::usage(format!("--setting {setting}: {name} does not read it: {known}")));
        }
        Ok(Some(Way { name, recipe, scheme }))
    }

    /// The time of the signature, milliseconds.
    pub(super) fn now(&self, way: &Way, stale: bool) -> u64 {
        let now = Timestamp::now().as_millis();
        let age = way.scheme.window.map_or(STALE_SECONDS, |window| window + STALE_BY);
        if stale { now.saturating_sub(age * 1_000) } else { now }
    }

    /// Leaves it as it is if there is nothing to sign with.
    pub(super) fn sign(&self, way: &Way, sent: &mut Sent, secret: Option<&Secret>, stale: bool) -> Result<(), Failure> {
        let private = match &self.private_key {
            Some(file) => {
                let wrong = |problem: String| Failure::usage(format!("--private-key: `{}`: {problem}", file.display()));
                let bytes = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
                Some(PrivateKey::read(&bytes).map_err(wrong)?)
            }
            None => None,
        };
        if secret.is_none() && private.is_none() {
            return Ok(());
        }
        let text = secret.map_or(Ok(""), |secret| str::from_utf8(secret.expose()));
        let text = text.map_err(|_| Failure::usage("the secret is not text, which this provider's are"))?;
        let settings: BTreeMap<String, String> = self.setting.iter().cloned().collect();
        let signer = Signer { secret: text, private: private.as_ref(), settings: &settings, now: self.now(way, stale) };
        send::sign_by(&way.recipe, &way.scheme, &signer, sent)
            .map_err(|problem| Failure::usage(format!("{}: {problem}", way.name)))
    }

    /// What was asked for and will not show.
    pub(super) fn notes(&self, way: &Way, secret: Option<&Secret>, stale: bool) -> Vec<String> {
        let name = &way.name;
        let unsigned = secret.is_none() && self.private_key.is_none();
        let timeless =
            way.scheme.timestamp.is_none() && !matches!(way.scheme.algorithm, Algorithm::Code | Algorithm::Jwt);
        let notes = [
            (unsigned, format!("not signed: there is neither a secret nor a private key for {name}")),
            (stale && timeless, format!("--stale changes nothing: {name} signs no time")),
        ];
        notes.into_iter().filter(|(holds, _)| *holds).map(|(_, note)| note).collect()
    }
}

fn read(file: &Path) -> Result<Recipe, Failure> {
    let wrong = |problem: String| Failure::usage(format!("--recipe: `{}`: {problem}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    toml::from_str(&text).map_err(|error| wrong(error.to_string()))
}
