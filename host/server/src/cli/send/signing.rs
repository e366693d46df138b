//! With what an event is signed.

use std::{collections::BTreeMap, path::PathBuf};

use http::Uri;
use model::{Secret, Timestamp};
use signatures::{
    native::PrivateKey,
    send::{self, Sent, Signer},
};

use super::super::{failure::Failure, secret};

/// Seconds past a provider's window that a stale signature is.
const STALE_BY: u64 = 60;
/// How old a stale signature is where the provider has no window.
const STALE_SECONDS: u64 = 3_600;

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

    pub(super) fn public_url(&self, url: &Uri) -> String {
        self.public_url.clone().unwrap_or_else(|| url.to_string())
    }

    /// The time of the signature, milliseconds.
    pub(super) fn now(&self, provider: &str, stale: bool) -> u64 {
        let now = Timestamp::now().as_millis();
        let window = signatures::recipe(provider).and_then(|recipe| recipe.schemes.get(self.scheme)?.window);
        let age = window.map_or(STALE_SECONDS, |window| window + STALE_BY);
        if stale { now.saturating_sub(age * 1_000) } else { now }
    }

    /// Leaves it as it is if there is nothing to sign with.
    pub(super) fn sign(
        &self,
        provider: &str,
        sent: &mut Sent,
        secret: Option<&Secret>,
        stale: bool,
    ) -> Result<(), Failure> {
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
        let signer =
            Signer { secret: text, private: private.as_ref(), settings: &settings, now: self.now(provider, stale) };
        send::sign(provider, self.scheme, &signer, sent)
            .map_err(|problem| Failure::usage(format!("{provider}: {problem}")))
    }
}
