//! HTTP Message Signatures (RFC 9421), with Content-Digest (RFC 9530).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sfv::{BareItem, Dictionary, FieldType as _, InnerList, Item, List, ListEntry, Parameters, Parser};

use super::choice;
use crate::{
    judge::{Cause, Judged, Judgement, Key, PublicKey, Way, failed, in_window, urls},
    jwt::percent_encoded,
    recipe::{Algorithm, KeyForm},
    request::Request,
    value::Part,
};

const ALGORITHMS: [&str; 5] = ["hmac-sha256", "ed25519", "ecdsa-p256-sha256", "rsa-pss-sha512", "rsa-v1_5-sha256"];
const WINDOW: u64 = 300;

pub(super) fn judge(way: &Way<'_>) -> Judged {
    let (Some(inputs), Some(signatures)) = (joined(way.request, "signature-input"), joined(way.request, "signature"))
    else {
        return Ok(None);
    };
    let parsed = (Parser::new(&inputs).parse::<Dictionary>(), Parser::new(&signatures).parse::<Dictionary>());
    let (Ok(inputs), Ok(signatures)) = parsed else {
        return failed(Cause::Malformed("header signature-input or signature is no dictionary".to_owned()));
    };
    let settings = way.request.settings();
    let mut first = None;
    for (label, input) in &inputs {
        if settings.get("label").is_some_and(|wanted| wanted != label.as_str()) {
            continue;
        }
        let (ListEntry::InnerList(input), Some(ListEntry::Item(signature))) = (input, signatures.get(label.as_str()))
        else {
            continue;
        };
        let Some(signature) = signature.bare_item.as_byte_sequence() else { continue };
        match judge_one(way, input, signature)? {
            Some(Judgement::Failed(cause)) => _ = first.get_or_insert(cause),
            good => return Ok(good),
        }
    }
    failed(first.unwrap_or_else(|| Cause::NoSignature("no label is in both headers".to_owned())))
}

fn judge_one(way: &Way<'_>, input: &InnerList, signature: &[u8]) -> Judged {
    let algorithm = match choice(way, "algorithm", &ALGORITHMS) {
        Ok(algorithm) => algorithm,
        Err(cause) => return failed(cause),
    };
    let settings = way.request.settings();
    let text = |name: &str| input.params.get(name).and_then(BareItem::as_string).map(|text| text.as_str());
    if text("alg").is_some_and(|given| given != algorithm) {
        return failed(Cause::Malformed(format!("the signature's algorithm is not {algorithm}")));
    }
    if settings.get("keyid").is_some_and(|wanted| text("keyid") != Some(wanted)) {
        return failed(Cause::UnknownSecret("the signature's keyid is not the setting keyid".to_owned()));
    }
    if let Err(cause) = check_covered(way, input) {
        return failed(cause);
    }
    // Without a component of the URL one round is enough.
    for url in urls(way, true) {
        let base = match base(&way.request.under(url), input) {
            Ok(base) => base,
            Err(problem) => return failed(Cause::Malformed(problem)),
        };
        if holds(way, algorithm, base, signature)? {
            if let Err(cause) = check_times(way, &input.params) {
                return failed(cause);
            }
            return match check_digest(way.request, input) {
                Ok(true) => Ok(Some(Judgement::Verified)),
                Ok(false) => Ok(Some(Judgement::Authenticated)),
                Err(cause) => failed(cause),
            };
        }
    }
    failed(Cause::Mismatch)
}

fn holds(way: &Way<'_>, algorithm: &str, base: String, signature: &[u8]) -> Result<bool, crate::judge::Trouble> {
    let parts = [Part::Bytes(base.into_bytes().into())];
    let name = match algorithm {
        "hmac-sha256" => {
            let key = Key { form: KeyForm::Base64, ..way.key };
            return way.crypto.mac_verify(key, Algorithm::HmacSha256, &parts, signature);
        }
        "ecdsa-p256-sha256" => "ecdsa-p256-sha256-fixed",
        "rsa-v1_5-sha256" => "rsa-pkcs1-sha256",
        other => other,
    };
    let key = Key { form: KeyForm::Pem, ..way.key };
    way.crypto.signature_verify(PublicKey::Secret(key), name, &parts, signature)
}

/// What must be covered is.
fn check_covered(way: &Way<'_>, input: &InnerList) -> Result<(), Cause> {
    let covers = |name: &str| names(input).any(|known| known == name);
    let missing = match way.request.settings().get("components") {
        Some(wanted) => wanted.split_whitespace().find(|name| !covers(name)).map(str::to_owned),
        None if !covers("@method") => Some("@method".to_owned()),
        None if !(covers("@target-uri") || covers("@authority") && covers("@path")) => Some("@target-uri".to_owned()),
        None if !covers("content-digest") && !way.request.body().is_empty() => Some("content-digest".to_owned()),
        None => None,
    };
    match missing {
        Some(name) => Err(Cause::Malformed(format!("the signature does not cover {name}"))),
        None => Ok(()),
    }
}

fn names(input: &InnerList) -> impl Iterator<Item = &str> {
    input.items.iter().filter_map(|item| item.bare_item.as_string().map(|name| name.as_str()))
}

fn check_times(way: &Way<'_>, params: &Parameters) -> Result<(), Cause> {
    let number =
        |name: &str| params.get(name).and_then(BareItem::as_integer).and_then(|number| u64::try_from(number).ok());
    let now = way.crypto.now();
    let created = number("created")
        .ok_or_else(|| Cause::Malformed("the signature does not say when it was created".to_owned()))?;
    let setting = way.request.settings().get("window").and_then(|text| text.parse().ok());
    in_window(created.saturating_mul(1_000), now, way.options.window.or(setting).unwrap_or(WINDOW))?;
    match number("expires").map(|end| now.saturating_sub(end.saturating_mul(1_000)) / 1_000) {
        Some(over) if over > 0 => Err(Cause::TooOld { seconds: over, window: 0 }),
        _ => Ok(()),
    }
}

/// Whether the body is proved: its digest is covered, and right.
fn check_digest(request: &Request<'_>, input: &InnerList) -> Result<bool, Cause> {
    if !names(input).any(|name| name == "content-digest") {
        return Ok(request.body().is_empty());
    }
    let wrong = |what: &str| Cause::BodyAltered(format!("header content-digest {what}"));
    let text = joined(request, "content-digest").ok_or_else(|| wrong("is missing"))?;
    let digests: Dictionary = Parser::new(&text).parse().map_err(|_| wrong("is no dictionary"))?;
    let mut known = false;
    for (name, algorithm) in [("sha-256", "sha256"), ("sha-512", "sha512")] {
        let Some(ListEntry::Item(item)) = digests.get(name) else { continue };
        known = true;
        if item.bare_item.as_byte_sequence() != request.incoming().digest(algorithm).as_deref() {
            return Err(wrong(&format!("is not the body's {name}")));
        }
    }
    if known { Ok(true) } else { Err(wrong("has neither sha-256 nor sha-512")) }
}

/// RFC 9421, section 2.5.
pub(super) fn base(request: &Request<'_>, input: &InnerList) -> Result<String, String> {
    let mut base = String::new();
    let mut before: Vec<String> = Vec::new();
    for item in &input.items {
        let identifier = item.serialize();
        if before.contains(&identifier) {
            return Err(format!("the component {identifier} is covered twice"));
        }
        for value in component(request, item)? {
            base.extend([identifier.as_str(), ": ", &value, "\n"]);
        }
        before.push(identifier);
    }
    let mut parameters = Dictionary::new();
    parameters.insert(sfv::KeyRef::from_str("x").expect("is a key").to_owned(), ListEntry::InnerList(input.clone()));
    let serialized = parameters.serialize().unwrap_or_default();
    base.extend(["\"@signature-params\": ", serialized.strip_prefix("x=").unwrap_or_default()]);
    Ok(base)
}

/// The lines' values; several for a query parameter that comes several times.
fn component(request: &Request<'_>, item: &Item) -> Result<Vec<String>, String> {
    let name = item.bare_item.as_string().ok_or("a component is no string")?.as_str();
    let parameter = |name: &str| item.params.get(name);
    if parameter("req").is_some() || parameter("tr").is_some() {
        return Err(format!("the component {name} is of another message"));
    }
    let Some(derived) = name.strip_prefix('@') else {
        return field(request, name, &item.params).map(|value| vec![value]);
    };
    let url = request.url();
    let after_scheme = url.split_once("://").map_or("", |(_, rest)| rest);
    let target = after_scheme.find(['/', '?']).map_or("/", |at| &after_scheme[at..]);
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let path = if path.is_empty() { "/" } else { path };
    let one = match derived {
        "method" => request.incoming().method().to_owned(),
        "target-uri" => url.clone(),
        "scheme" => url.split("://").next().unwrap_or_default().to_ascii_lowercase(),
        "authority" => authority(&url),
        "path" => path.to_owned(),
        "query" => format!("?{}", query.unwrap_or_default()),
        "request-target" => target.to_owned(),
        "query-param" => {
            let wanted = parameter("name").and_then(BareItem::as_string).ok_or("@query-param has no name")?.as_str();
            let pairs = request.query_pairs().iter().filter(|(name, _)| percent_encoded(name) == wanted);
            let values: Vec<String> = pairs.map(|(_, value)| percent_encoded(value)).collect();
            return if values.is_empty() { Err(format!("the query has no {wanted}")) } else { Ok(values) };
        }
        other => return Err(format!("@{other} is no component of a request")),
    };
    Ok(vec![one])
}

fn authority(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let authority = rest.split(['/', '?']).next().unwrap_or_default().to_ascii_lowercase();
    let usual = if scheme.eq_ignore_ascii_case("http") { ":80" } else { ":443" };
    authority.strip_suffix(usual).map_or(authority.clone(), str::to_owned)
}

fn field(request: &Request<'_>, name: &str, params: &Parameters) -> Result<String, String> {
    let lines = request.incoming().header(name);
    if lines.is_empty() {
        return Err(format!("header {name} is covered and missing"));
    }
    if params.get("bs").is_some() {
        let lines: Vec<String> = lines.iter().map(|line| format!(":{}:", STANDARD.encode(line.trim_ascii()))).collect();
        return Ok(lines.join(", "));
    }
    let whole = joined(request, name).ok_or_else(|| format!("header {name} is not text"))?;
    if let Some(key) = params.get("key") {
        let key = key.as_string().ok_or("the parameter key is no string")?.as_str();
        let members: Dictionary = Parser::new(&whole).parse().map_err(|_| format!("header {name} is no dictionary"))?;
        let member = members.get(key).ok_or_else(|| format!("header {name} has no member {key}"))?;
        return Ok(match member {
            ListEntry::Item(item) => item.serialize(),
            ListEntry::InnerList(_) => List::from([member.clone()]).serialize().unwrap_or_default(),
        });
    }
    if params.get("sf").is_some() {
        let strict = (Parser::new(&whole).parse::<Dictionary>().ok().and_then(|parsed| parsed.serialize()))
            .or_else(|| Parser::new(&whole).parse::<List>().ok().and_then(|parsed| parsed.serialize()))
            .or_else(|| Parser::new(&whole).parse::<Item>().ok().map(|parsed| parsed.serialize()));
        return strict.ok_or_else(|| format!("header {name} is no structured field"));
    }
    Ok(whole)
}

/// All lines of a header as one.
fn joined(request: &Request<'_>, name: &str) -> Option<String> {
    let lines = request.incoming().header(name);
    let lines: Option<Vec<&str>> = lines.iter().map(|line| std::str::from_utf8(line).ok().map(str::trim)).collect();
    lines.filter(|lines| !lines.is_empty()).map(|lines| lines.join(", "))
}

#[cfg(feature = "send")]
pub(super) fn sign(signer: &crate::send::Signer<'_>, sent: &mut crate::send::Sent) -> Result<(), String> {
    use crate::request::Incoming as _;
    let digest = STANDARD.encode(sent.digest("sha256").expect("is known"));
    sent.set("content-digest", format!("sha-256=:{digest}:"));
    let algorithm = signer.settings.get("algorithm").map_or("hmac-sha256", String::as_str);
    let mut input = format!(r#"("@method" "@target-uri" "content-digest");created={}"#, signer.now / 1_000);
    if let Some(id) = signer.settings.get("keyid") {
        input.push_str(&format!(r#";keyid="{id}""#));
    }
    let label = signer.settings.get("label").map_or("sig1", String::as_str);
    let inputs = format!("{label}={input}");
    let parsed: Dictionary = Parser::new(&inputs).parse().map_err(|error| format!("the label or keyid: {error}"))?;
    let Some(ListEntry::InnerList(input)) = parsed.get(label) else { return Err("the label is none".to_owned()) };
    let incoming = sent.clone();
    let base = base(&Request::new(&incoming, None, signer.settings), input)?;
    let signed = match (algorithm, signer.private) {
        ("hmac-sha256", _) => super::mac(signer, KeyForm::Base64, "hmac-sha256", &[base.as_bytes()])?,
        (other, Some(private)) => {
            let name = match other {
                "ecdsa-p256-sha256" => "ecdsa-p256-sha256-fixed",
                "rsa-v1_5-sha256" => "rsa-pkcs1-sha256",
                other => other,
            };
            private.sign(name, base.as_bytes())?
        }
        (other, None) => return Err(format!("a private key is needed to sign with {other}")),
    };
    sent.set("signature-input", inputs);
    sent.set("signature", format!("{label}=:{}:", STANDARD.encode(signed)));
    Ok(())
}
