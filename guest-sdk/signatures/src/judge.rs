//! Whether a request is from whom it says.

use std::fmt;

use crate::{
    code, jwt,
    place::Spot,
    recipe::{Algorithm, Digest, Encoding, KeyForm, Keys, Proves, Recipe, Scheme, Unit},
    request::Request,
    signature::{self, Candidate},
    value::{Beside, Part, Source, Template},
};

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// The signature is the provider's, and covers what the provider signs.
    Verified,
    /// The sender knows the secret; nothing says that the body is as it was sent.
    Authenticated,
    Failed(Cause),
}

/// Why it is not from whom it says, or cannot be known to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// There is none of any kind that the provider sends.
    NoSignature(String),
    Malformed(String),
    /// It names a key that is not known here, or the secret here is no key.
    UnknownSecret(String),
    /// A digest that came with it is not the body's.
    BodyAltered(String),
    TooOld {
        seconds: u64,
        window: u64,
    },
    ClockAhead {
        seconds: u64,
        window: u64,
    },
    /// It was made for another URL.
    WrongUrl(String),
    /// It is not this message's under this secret: either may be the wrong one.
    Mismatch,
    /// The token that was sent is not the secret.
    WrongToken,
    /// The provider's key could not be fetched.
    KeyUnavailable(String),
}

impl Cause {
    /// In one word, for labels and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NoSignature(_) => "no-signature",
            Self::Malformed(_) => "malformed",
            Self::UnknownSecret(_) => "unknown-secret",
            Self::BodyAltered(_) => "body-altered",
            Self::TooOld { .. } => "too-old",
            Self::ClockAhead { .. } => "clock-ahead",
            Self::WrongUrl(_) => "wrong-url",
            Self::Mismatch | Self::WrongToken => "mismatch",
            Self::KeyUnavailable(_) => "key-unavailable",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSignature(what) => write!(out, "there is no signature: {what}"),
            Self::Malformed(what)
            | Self::UnknownSecret(what)
            | Self::BodyAltered(what)
            | Self::WrongUrl(what)
            | Self::KeyUnavailable(what) => out.write_str(what),
            Self::TooOld { seconds, window } => {
                write!(out, "it was signed {seconds} s ago, which is more than {window}")
            }
            Self::ClockAhead { seconds, window } => {
                write!(
                    out,
                    "it says that it was signed {seconds} s in the future, which is more than {window}: a clock is wrong"
                )
            }
            Self::Mismatch => out.write_str("the signature is not that of this message under this secret"),
            Self::WrongToken => out.write_str("the token that was sent is not the secret"),
        }
    }
}

/// A key made of a secret, by the secret's name.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a> {
    pub secret: &'a str,
    /// Dropped from the secret's text, if it is there.
    pub prefix: &'a str,
    pub form: KeyForm,
}

#[derive(Debug, Clone, Copy)]
pub enum PublicKey<'a> {
    Secret(Key<'a>),
    /// PEM (key or certificate), DER, JWK, or raw.
    Given(&'a [u8]),
}

/// Why something could not be computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// A key or signature is none.
    Invalid(String),
    Unavailable(String),
    /// The filter may not: its attachment is wrong.
    Denied(String),
}

/// What is computed elsewhere, where the secrets are.
pub trait Crypto {
    /// Milliseconds since 1970.
    fn now(&self) -> u64;
    fn mac_verify(&self, key: Key<'_>, algorithm: Algorithm, parts: &[Part<'_>], mac: &[u8]) -> Result<bool, Trouble>;
    fn mac_sign(&self, key: Key<'_>, algorithm: Algorithm, parts: &[Part<'_>]) -> Result<Vec<u8>, Trouble>;
    fn token_equal(&self, secret: &str, token: &[u8]) -> Result<bool, Trouble>;
    fn signature_verify(
        &self,
        key: PublicKey<'_>,
        algorithm: &str,
        parts: &[Part<'_>],
        signature: &[u8],
    ) -> Result<bool, Trouble>;
    /// `sha1`, `sha256` or `sha512`.
    fn digest(&self, algorithm: &str, parts: &[Part<'_>]) -> Result<Vec<u8>, Trouble>;
    /// The document at an HTTPS URL, perhaps one that was fetched before.
    fn fetch(&self, fetch: &Fetch<'_>) -> Result<Vec<u8>, Trouble>;
}

/// A request for keys.
#[derive(Debug, Clone, Default)]
pub struct Fetch<'a> {
    pub url: &'a str,
    /// With a body it is a POST.
    pub headers: Vec<(&'a str, Vec<Text<'a>>)>,
    pub body: Option<Vec<Text<'a>>>,
    /// Seconds for which the answer may be kept, if it does not say itself.
    pub keep: u32,
}

impl<'a> Fetch<'a> {
    pub(crate) const fn get(url: &'a str) -> Self {
        Self { url, headers: Vec::new(), body: None, keep: 3_600 }
    }
}

/// A piece of such a request.
#[derive(Debug, Clone)]
pub enum Text<'a> {
    Literal(String),
    /// A secret's text, as it is, as a JSON string, or in base64.
    Secret(&'a str),
    SecretJson(&'a str),
    SecretBase64(&'a str),
}

/// How a filter is configured beside its recipe.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// The secret's name.
    pub secret: &'a str,
    /// URLs under which the provider may know the receiver, tried in order; empty: that of the request.
    pub public_urls: &'a [String],
    /// Take schemes that the provider has left behind.
    pub legacy: bool,
    /// Another window than the recipe's, seconds.
    pub window: Option<u64>,
}

/// Where the request holds what anybody could send again to be taken for the sender: the secret itself.
pub fn credentials(recipe: &Recipe, request: &Request<'_>) -> Vec<Source> {
    let plain = recipe.schemes.iter().filter(|scheme| matches!(scheme.algorithm, Algorithm::Token | Algorithm::Basic));
    let spots = plain.filter_map(|scheme| scheme.signature.as_ref().map(|place| &place.0));
    let sources = spots.flat_map(|spot| match spot {
        Spot::At(value) => value.0.clone(),
        Spot::Headers(names) => names.iter().cloned().map(Source::Header).collect(),
        Spot::Numbered(_) => Vec::new(),
    });
    let named = sources.map(|source| match source {
        Source::HeaderOfSetting(setting) => {
            Source::Header(request.settings().get(&setting).map_or_else(String::new, |name| name.to_ascii_lowercase()))
        }
        other => other,
    });
    named.filter(|source| request.find(source).is_some()).collect()
}

/// Denied access is the only error: everything else is a judgement.
pub fn judge(
    recipe: &Recipe,
    options: Options<'_>,
    request: &Request<'_>,
    crypto: &dyn Crypto,
) -> Result<Judgement, String> {
    let usable = recipe.schemes.iter().filter(|scheme| options.legacy || !scheme.legacy);
    for scheme in usable {
        if scheme.when.as_ref().is_some_and(|when| !when.0.holds(request)) {
            continue;
        }
        match judge_by(scheme, recipe, options, request, crypto) {
            Ok(None) => {}
            Ok(Some(judgement)) => return Ok(judgement),
            Err(Trouble::Denied(what)) => return Err(what),
            Err(Trouble::Invalid(what)) => return Ok(Judgement::Failed(Cause::UnknownSecret(what))),
            Err(Trouble::Unavailable(what)) => return Ok(Judgement::Failed(Cause::KeyUnavailable(what))),
        }
    }
    let wanted: Vec<String> = recipe
        .schemes
        .iter()
        .filter(|scheme| options.legacy || !scheme.legacy)
        .filter_map(|scheme| scheme.signature.as_ref().map(ToString::to_string))
        .collect();
    let what = if wanted.is_empty() {
        "nothing of it is there".to_owned()
    } else {
        format!("{} is missing", wanted.join(" or "))
    };
    Ok(Judgement::Failed(Cause::NoSignature(what)))
}

/// None if the request is not signed in this way.
fn judge_by(
    scheme: &Scheme,
    recipe: &Recipe,
    options: Options<'_>,
    request: &Request<'_>,
    crypto: &dyn Crypto,
) -> Result<Option<Judgement>, Trouble> {
    let key = Key { secret: options.secret, prefix: &scheme.key_prefix, form: scheme.key };
    let way = Way { scheme, recipe, options, request, crypto, key };
    match scheme.algorithm {
        Algorithm::Code => code::judge(&way),
        Algorithm::Jwt => jwt::judge(&way),
        Algorithm::Token | Algorithm::Basic => token(&way),
        _ => signed(&way),
    }
}

/// One attempt to verify.
#[derive(Clone, Copy)]
pub(crate) struct Way<'a> {
    pub(crate) scheme: &'a Scheme,
    pub(crate) recipe: &'a Recipe,
    pub(crate) options: Options<'a>,
    pub(crate) request: &'a Request<'a>,
    pub(crate) crypto: &'a dyn Crypto,
    pub(crate) key: Key<'a>,
}

pub(crate) type Judged = Result<Option<Judgement>, Trouble>;

pub(crate) fn failed(cause: Cause) -> Judged {
    Ok(Some(Judgement::Failed(cause)))
}

impl Way<'_> {
    /// What it comes to if the signature holds.
    pub(crate) fn good(&self) -> Judged {
        Ok(Some(match self.scheme.proves {
            Proves::Body => Judgement::Verified,
            Proves::Origin => Judgement::Authenticated,
        }))
    }

    pub(crate) fn mac_verify(&self, parts: &[Part<'_>], mac: &[u8]) -> Result<bool, Trouble> {
        self.crypto.mac_verify(self.key, self.scheme.algorithm, parts, mac)
    }

    /// Whether the time, as it was signed, is near enough; milliseconds or whatever the scheme's unit is.
    pub(crate) fn check_time(&self, time: &[u8]) -> Result<(), Cause> {
        let Some(window) = self.options.window.or(self.scheme.window) else { return Ok(()) };
        let text = String::from_utf8_lossy(time);
        let signed = millis(text.trim(), self.scheme.unit)
            .ok_or_else(|| Cause::Malformed(format!("`{text}` is no time in {}", unit(self.scheme.unit))))?;
        in_window(signed, self.crypto.now(), window)
    }
}

pub(crate) fn in_window(signed: u64, now: u64, window: u64) -> Result<(), Cause> {
    let most = window.saturating_mul(1_000);
    if now.saturating_sub(signed) > most {
        return Err(Cause::TooOld { seconds: (now - signed) / 1_000, window });
    }
    if signed.saturating_sub(now) > most {
        return Err(Cause::ClockAhead { seconds: (signed - now) / 1_000, window });
    }
    Ok(())
}

const fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "seconds",
        Unit::Milliseconds => "milliseconds",
        Unit::Iso => "RFC 3339",
    }
}

fn millis(text: &str, unit: Unit) -> Option<u64> {
    match unit {
        Unit::Seconds => text.parse::<u64>().ok()?.checked_mul(1_000),
        Unit::Milliseconds => text.parse().ok(),
        Unit::Iso => u64::try_from(text.parse::<jiff::Timestamp>().ok()?.as_millisecond()).ok(),
    }
}

/// The secret itself is sent.
fn token(way: &Way<'_>) -> Judged {
    let Some(place) = &way.scheme.signature else { return Ok(None) };
    let values = place.values(way.request);
    let Some(value) = values.first() else { return Ok(None) };
    if values.len() > 1 {
        return failed(Cause::Malformed(format!("{place} is there twice")));
    }
    let basic = way.scheme.algorithm == Algorithm::Basic;
    let prefix = if basic { "Basic " } else { &way.scheme.prefix };
    let there = value.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix.as_bytes()));
    // Another scheme may know what to do with it.
    if !there {
        return Ok(None);
    }
    let given = &value[prefix.len()..];
    let given = match basic {
        true => {
            let text =
                std::str::from_utf8(given).ok().and_then(|text| signature::decode(Encoding::Base64, text.trim()));
            match text {
                Some(text) => text,
                None => return failed(Cause::Malformed(format!("{place} is not base64 after `Basic`"))),
            }
        }
        false => given.to_vec(),
    };
    match way.crypto.token_equal(way.key.secret, &given)? {
        true => Ok(Some(Judgement::Authenticated)),
        false => failed(Cause::WrongToken),
    }
}

/// A signature over a message.
fn signed(way: &Way<'_>) -> Judged {
    let candidates = match signature::candidates(way.scheme, way.request) {
        Ok(Some(candidates)) => candidates,
        Ok(None) => return Ok(None),
        Err(problem) => return failed(Cause::Malformed(problem)),
    };
    let Some(message) = &way.scheme.message else {
        return failed(Cause::Malformed("the recipe has no message".to_owned()));
    };
    if message.of_sorted_form() && way.request.form().is_empty() && !way.request.body().is_empty() {
        return failed(Cause::BodyAltered("the body is no form, and nothing else covers it".to_owned()));
    }
    if let Some(digest) = &way.scheme.digest
        && let Err(cause) = check_digest(way.request, digest)
    {
        return failed(cause);
    }
    let key = match &way.scheme.keys {
        Some(keys) => match key_document(way, keys)? {
            Ok(key) => Some(key),
            Err(cause) => return failed(cause),
        },
        None => None,
    };
    let urls = urls(way, message.of_url());
    let messages: Vec<&Template> = [message].into_iter().chain(&way.scheme.or_message).collect();
    for candidate in &candidates {
        for (index, url) in urls.iter().enumerate() {
            if any_holds(way, &messages, candidate, *url, key.as_deref())? {
                // What is as old as the provider's window, or comes from the future, is refused although it is real.
                let time = candidate.timestamp.as_deref().map_or(Ok(()), |time| way.check_time(time));
                return match time {
                    Ok(()) if index > 0 && url.is_none() => failed(Cause::WrongUrl(
                        "the signature is for the URL of the request, which is none of public_urls".to_owned(),
                    )),
                    Ok(()) => way.good(),
                    Err(cause) => failed(cause),
                };
            }
        }
    }
    failed(Cause::Mismatch)
}

/// URLs to try. With some configured, that of the request comes last, only to tell what is wrong.
pub(crate) fn urls<'a>(way: &Way<'a>, matter: bool) -> Vec<Option<&'a str>> {
    if !matter {
        return vec![way.options.public_urls.first().map(String::as_str)];
    }
    way.options.public_urls.iter().map(|url| Some(url.as_str())).chain([None]).collect()
}

fn any_holds(
    way: &Way<'_>,
    messages: &[&Template],
    candidate: &Candidate,
    url: Option<&str>,
    key: Option<&[u8]>,
) -> Result<bool, Trouble> {
    for message in messages {
        if holds(way, message, candidate, url, key)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn holds(
    way: &Way<'_>,
    message: &Template,
    candidate: &Candidate,
    url: Option<&str>,
    key: Option<&[u8]>,
) -> Result<bool, Trouble> {
    let request = way.request.under(url);
    let beside = Beside { timestamp: candidate.timestamp.as_deref(), id: way.recipe.id.as_ref(), mac: None };
    let parts = message.render(&request, beside);
    let algorithm = match way.scheme.algorithm {
        Algorithm::HmacSha1
        | Algorithm::HmacSha256
        | Algorithm::HmacSha384
        | Algorithm::HmacSha512
        | Algorithm::Sha256 => {
            return way.mac_verify(&parts, &candidate.signature);
        }
        other => other.name(),
    };
    let key = key.map_or(PublicKey::Secret(way.key), PublicKey::Given);
    way.crypto.signature_verify(key, algorithm, &parts, &candidate.signature)
}

/// The key, from where the provider publishes it.
pub(crate) fn key_document(way: &Way<'_>, keys: &Keys) -> Result<Result<Vec<u8>, Cause>, Trouble> {
    let url = String::from_utf8_lossy(&keys.url.text(way.request, Beside::default())).into_owned();
    if !keys
        .pinned
        .iter()
        .any(|pin| is_pinned(&url, &String::from_utf8_lossy(&pin.text(way.request, Beside::default()))))
    {
        return Ok(Err(Cause::UnknownSecret(format!("the key's address `{url}` is not one of the provider's"))));
    }
    way.crypto.fetch(&Fetch::get(&url)).map(Ok)
}

/// Whether a URL begins as it must. `*` stands for one label of the host.
pub fn is_pinned(url: &str, pin: &str) -> bool {
    let Some((scheme, pin)) = pin.split_once("://") else { return false };
    let Some(rest) = url.strip_prefix(scheme).and_then(|rest| rest.strip_prefix("://")) else { return false };
    let split = |text: &str| {
        let end = text.find('/').unwrap_or(text.len());
        (text[..end].to_owned(), text[end..].to_owned())
    };
    let ((host, path), (pinned_host, pinned_path)) = (split(rest), split(pin));
    let label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let (labels, pinned) = (host.split('.'), pinned_host.split('.'));
    labels.clone().count() == pinned.clone().count()
        && labels.zip(pinned).all(|(given, pinned)| given == pinned || (pinned == "*" && label(given)))
        && path.starts_with(&pinned_path)
        && !path.contains("..")
        // A server may take `%2e%2e` for `..`.
        && !path.contains('%')
        && !path.contains('\\')
}

pub(crate) fn check_digest(request: &Request<'_>, digest: &Digest) -> Result<(), Cause> {
    let Some(given) = digest.of.find(request) else {
        return Err(Cause::Malformed(format!("{} is missing: it holds the body's digest", digest.of)));
    };
    let given = std::str::from_utf8(&given).ok().and_then(|text| signature::decode(digest.encoding, text));
    match (given, request.incoming().digest(&digest.algorithm)) {
        (Some(given), Some(own)) if given == own => Ok(()),
        _ => Err(Cause::BodyAltered(format!("{} is not the body's {}", digest.of, digest.algorithm))),
    }
}

#[cfg(test)]
mod tests {
    use super::is_pinned;

    #[test]
    fn only_urls_that_begin_so_are_pinned() {
        let (certs, sns) = ("https://api.paypal.com/v1/certs/", "https://sns.*.amazonaws.com/");
        assert!(is_pinned("https://api.paypal.com/v1/certs/CERT-1", certs));
        assert!(is_pinned("https://sns.us-east-1.amazonaws.com/key.pem", sns));
        for url in [
            "http://api.paypal.com/v1/certs/CERT-1",
            "https://api.paypal.com.evil.example/v1/certs/CERT-1",
            "https://api.paypal.com@evil.example/v1/certs/CERT-1",
            "https://api.paypal.com:8443/v1/certs/CERT-1",
            "https://api.paypal.com?/v1/certs/CERT-1",
            "https://api.paypal.com/v1/certs/../other",
            "https://api.paypal.com/v1/certs/%2e%2e/other",
            "https://api.paypal.com/v1/certs/..\\other",
            "https://api.paypal.com/v1/other",
            "api.paypal.com/v1/certs/CERT-1",
        ] {
            assert!(!is_pinned(url, certs), "{url}");
        }
        for url in [
            "https://sns.evil.us.amazonaws.com/key.pem",
            "https://sns..amazonaws.com/key.pem",
            "https://sns.a/b.amazonaws.com/key.pem",
            "https://sns.a@b.amazonaws.com/key.pem",
        ] {
            assert!(!is_pinned(url, sns), "{url}");
        }
    }
}
