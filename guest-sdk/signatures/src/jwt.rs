//! JSON Web Tokens (RFC 7519, RFC 7515), as webhooks use them: beside the body or as the body.

use serde_json::Value as Json;

use crate::{
    judge::{Cause, Judged, PublicKey, Trouble, Way, failed, in_window, key_document, urls},
    recipe::{Algorithm, Claim, Claims, Encoding},
    request::Request,
    signature,
    value::{Beside, Part},
};

/// Seconds by which clocks may differ where no window is given.
const LEEWAY: u64 = 60;

/// A token in its parts, nothing of it checked.
pub(crate) struct Token<'a> {
    pub(crate) header: Json,
    pub(crate) claims: Json,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Token<'a> {
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let json = |text: &str| serde_json::from_slice(&signature::decode(Encoding::Base64url, text)?).ok();
        let signature = signature::decode(Encoding::Base64url, signature)?;
        Some(Self { header: json(header)?, claims: json(claims)?, signed, signature })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.header.get(name)?.as_str()
    }

    pub(crate) fn number(&self, claim: &str) -> Option<u64> {
        let number = self.claims.get(claim)?;
        number.as_u64().or_else(|| number.as_f64().map(|number| number as u64))
    }
}

/// What a token that is the body says at a pointer.
pub(crate) fn claim(body: &[u8], pointer: &str) -> Option<String> {
    let token = Token::read(std::str::from_utf8(body).ok()?.trim())?;
    match token.claims.pointer(pointer)? {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

pub(crate) fn judge(way: &Way<'_>) -> Judged {
    let Some(place) = &way.scheme.signature else { return Ok(None) };
    let values = place.values(way.request);
    let Some(value) = values.first() else { return Ok(None) };
    if values.len() > 1 {
        return failed(Cause::Malformed(format!("{place} is there twice")));
    }
    let text = String::from_utf8_lossy(value);
    let text = text.trim();
    let Some(text) = text.strip_prefix(way.scheme.prefix.as_str()) else {
        return failed(Cause::Malformed(format!("{place} does not begin with `{}`", way.scheme.prefix)));
    };
    let Some(token) = Token::read(text) else {
        return failed(Cause::Malformed(format!("{place} holds no JSON Web Token")));
    };
    let algorithm = token.header("alg").unwrap_or_default();
    if !way.scheme.algorithms.iter().any(|known| known == algorithm) {
        // Another scheme may take it, with a key of its own kind.
        return Ok(None);
    }
    let key = match &way.scheme.keys {
        Some(keys) => match key_document(way, keys)? {
            Ok(document) => match of_id(&document, token.header("kid")) {
                Some(key) => Some(key),
                None => return failed(Cause::UnknownSecret("the token names a key that is not published".to_owned())),
            },
            Err(cause) => return failed(cause),
        },
        None => None,
    };
    if !holds(way, &token, algorithm, key.as_deref())? {
        return failed(Cause::Mismatch);
    }
    let none = Claims::default();
    match check(way, &token, way.scheme.claims.as_ref().unwrap_or(&none)) {
        Ok(()) => way.good(),
        Err(cause) => failed(cause),
    }
}

/// One key of a set (RFC 7517), as JSON; the only one if none is named.
fn of_id(document: &[u8], id: Option<&str>) -> Option<Vec<u8>> {
    let document: Json = serde_json::from_slice(document).ok()?;
    let keys = document.get("keys")?.as_array()?;
    let key = match id {
        Some(id) => keys.iter().find(|key| key.get("kid").and_then(Json::as_str) == Some(id))?,
        None if keys.len() == 1 => &keys[0],
        None => return None,
    };
    serde_json::to_vec(key).ok()
}

pub(crate) fn holds(way: &Way<'_>, token: &Token<'_>, algorithm: &str, key: Option<&[u8]>) -> Result<bool, Trouble> {
    let parts = [Part::Bytes(token.signed.as_bytes().into())];
    let mac = match algorithm {
        "HS256" => Some(Algorithm::HmacSha256),
        "HS384" => Some(Algorithm::HmacSha384),
        "HS512" => Some(Algorithm::HmacSha512),
        _ => None,
    };
    if let Some(mac) = mac {
        return way.crypto.mac_verify(way.key, mac, &parts, &token.signature);
    }
    let name = match algorithm {
        "RS256" => "rsa-pkcs1-sha256",
        "RS384" => "rsa-pkcs1-sha384",
        "RS512" => "rsa-pkcs1-sha512",
        "ES256" => "ecdsa-p256-sha256-fixed",
        "ES384" => "ecdsa-p384-sha384-fixed",
        "PS256" => "rsa-pss-sha256",
        "EdDSA" => "ed25519",
        other => return Err(Trouble::Invalid(format!("`{other}` is an algorithm that is not known here"))),
    };
    let key = key.map_or(PublicKey::Secret(way.key), PublicKey::Given);
    way.crypto.signature_verify(key, name, &parts, &token.signature)
}

fn check(way: &Way<'_>, token: &Token<'_>, claims: &Claims) -> Result<(), Cause> {
    let now = way.crypto.now();
    if let Some(end) = token.number("exp") {
        let over = now.saturating_sub(end.saturating_mul(1_000)) / 1_000;
        if over > LEEWAY {
            return Err(Cause::TooOld { seconds: over, window: LEEWAY });
        }
    } else if claims.expires {
        return Err(Cause::Malformed("the token has no `exp`".to_owned()));
    }
    if let Some(begin) = token.number("nbf") {
        in_window(begin.saturating_mul(1_000).max(now), now, LEEWAY)?;
    }
    if let Some(window) = way.options.window.or(claims.window) {
        let issued = token.number("iat").ok_or_else(|| Cause::Malformed("the token has no `iat`".to_owned()))?;
        in_window(issued.saturating_mul(1_000), now, window)?;
    }
    if let Some(issuer) = &claims.issuer
        && token.claims.get("iss").and_then(Json::as_str) != Some(issuer)
    {
        return Err(Cause::Malformed(format!("the token is not of issuer `{issuer}`")));
    }
    check_body(way, token, claims)?;
    check_urls(way, token, claims)
}

fn check_body(way: &Way<'_>, token: &Token<'_>, claims: &Claims) -> Result<(), Cause> {
    let Some(claim) = &claims.body else { return Ok(()) };
    let Some(given) = token.claims.get(&claim.claim).and_then(Json::as_str) else {
        // Only what is there can be altered.
        return match way.request.body().is_empty() {
            true => Ok(()),
            false => Err(Cause::Malformed(format!("the token has no `{}`", claim.claim))),
        };
    };
    let own = way.request.incoming().digest(&claim.algorithm);
    match own.is_some() && own == signature::decode(claim.encoding, given) {
        true => Ok(()),
        false => {
            Err(Cause::BodyAltered(format!("the token's `{}` is not the body's {}", claim.claim, claim.algorithm)))
        }
    }
}

/// What depends on the URL: any of those that are known will do.
fn check_urls(way: &Way<'_>, token: &Token<'_>, claims: &Claims) -> Result<(), Cause> {
    if claims.url.is_none() && claims.audience.is_none() && !claims.qsh {
        return Ok(());
    }
    let mut urls = urls(way, true);
    if urls.len() > 1 {
        urls.pop();
    }
    let for_this = urls.iter().any(|url| {
        let request = way.request.under(*url);
        let url_holds =
            claims.url.as_ref().is_none_or(|claim| digest_holds(way, token, claim, request.url().as_bytes()));
        let audience = claims.audience.as_ref().map(|template| template.text(&request, Beside::default()));
        let audience_holds = audience.is_none_or(|audience| is_for(&token.claims["aud"], &audience));
        url_holds && audience_holds && (!claims.qsh || qsh_holds(way, token, &request))
    });
    match for_this {
        true => Ok(()),
        false => Err(Cause::WrongUrl("the token was made for another URL".to_owned())),
    }
}

fn digest_holds(way: &Way<'_>, token: &Token<'_>, claim: &Claim, text: &[u8]) -> bool {
    let given = token.claims.get(&claim.claim).and_then(Json::as_str);
    let given = given.and_then(|given| signature::decode(claim.encoding, given));
    let own = way.crypto.digest(&claim.algorithm, &[Part::Bytes(text.into())]).ok();
    given.is_some() && given == own
}

fn is_for(audience: &Json, wanted: &[u8]) -> bool {
    match audience {
        Json::String(text) => text.as_bytes() == wanted,
        Json::Array(many) => many.iter().any(|one| is_for(one, wanted)),
        _ => false,
    }
}

/// <https://developer.atlassian.com/cloud/bitbucket/query-string-hash/>
fn qsh_holds(way: &Way<'_>, token: &Token<'_>, request: &Request<'_>) -> bool {
    let text = canonical(request);
    let own = way.crypto.digest("sha256", &[Part::Bytes(text.into_bytes().into())]).ok();
    let given = token.claims.get("qsh").and_then(Json::as_str).and_then(|text| signature::decode(Encoding::Hex, text));
    given.is_some() && given == own
}

/// Method, path and query with names sorted, the values of a name sorted and joined by commas; without `jwt`.
pub(crate) fn canonical(request: &Request<'_>) -> String {
    let mut pairs: Vec<(String, Vec<String>)> = Vec::new();
    for (name, value) in request.query_pairs().iter().filter(|(name, _)| name != "jwt") {
        let (name, value) = (percent_encoded(name), percent_encoded(value));
        match pairs.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => pairs.push((name, vec![value])),
        }
    }
    pairs.sort();
    let query: Vec<String> = pairs
        .into_iter()
        .map(|(name, mut values)| {
            values.sort();
            format!("{name}={}", values.join(","))
        })
        .collect();
    let path = request.path().trim_end_matches('/');
    let path = if path.is_empty() { "/" } else { path };
    let path = path.replace('&', "%26");
    format!("{}&{path}&{}", request.incoming().method().to_ascii_uppercase(), query.join("&"))
}

/// RFC 3986: everything but unreserved characters.
pub(crate) fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            other => write!(out, "%{other:02X}").expect("a string takes everything"),
        }
    }
    out
}

/// A token that says what the recipe asks for.
#[cfg(feature = "send")]
pub(crate) fn sign(
    scheme: &crate::Scheme,
    signer: &crate::send::Signer<'_>,
    sent: &mut crate::send::Sent,
) -> Result<(), String> {
    use crate::request::Incoming as _;
    let none = Claims::default();
    let claims = scheme.claims.as_ref().unwrap_or(&none);
    let mut says = serde_json::Map::new();
    // The body is the token: it says what the sample says.
    let is_body = matches!(&scheme.signature, Some(place) if place.to_string() == "the body");
    if is_body {
        says = serde_json::from_slice(&sent.body).map_err(|error| format!("the sample: {error}"))?;
    }
    let now = signer.now / 1_000;
    says.insert("iat".to_owned(), now.into());
    if !is_body {
        // Libraries of receivers want it, though nobody checks that it is new.
        says.insert("jti".to_owned(), crate::native::random_uuid().into());
    }
    if claims.expires {
        says.insert("nbf".to_owned(), now.into());
        says.insert("exp".to_owned(), (now + 300).into());
    }
    if let Some(issuer) = &claims.issuer {
        says.insert("iss".to_owned(), issuer.clone().into());
    } else if claims.qsh {
        // Atlassian names the tenant here: receivers look its secret up by it.
        says.insert("iss".to_owned(), "example-client-key".into());
    }
    let incoming = sent.clone();
    let request = Request::new(&incoming, None, signer.settings);
    if let Some(claim) = &claims.body {
        let digest = incoming.digest(&claim.algorithm).ok_or("the digest is none that is known")?;
        says.insert(claim.claim.clone(), signature::encode(claim.encoding, &digest).into());
    }
    if let Some(claim) = &claims.url {
        let url = request.url();
        let digest = crate::native::hash(&claim.algorithm, std::iter::once(url.as_bytes()));
        says.insert(claim.claim.clone(), signature::encode(claim.encoding, &digest.ok_or("no digest")?).into());
    }
    if let Some(audience) = &claims.audience {
        says.insert("aud".to_owned(), String::from_utf8_lossy(&audience.text(&request, Beside::default())).into());
    }
    if claims.qsh {
        let text = canonical(&request);
        let digest = crate::native::hash("sha256", std::iter::once(text.as_bytes())).expect("is known");
        says.insert("qsh".to_owned(), hex::encode(digest).into());
    }
    let algorithm = scheme.algorithms.first().ok_or("the scheme takes no algorithm")?;
    let token = made(algorithm, None, &Json::Object(says), scheme, signer)?;
    crate::send::put(scheme, &format!("{}{token}", scheme.prefix), signer, sent)
}

/// A signed token.
#[cfg(feature = "send")]
pub(crate) fn made(
    algorithm: &str,
    key: Option<&str>,
    claims: &Json,
    scheme: &crate::Scheme,
    signer: &crate::send::Signer<'_>,
) -> Result<String, String> {
    let part = |json: &Json| signature::encode(Encoding::Base64url, json.to_string().as_bytes());
    let mut header = serde_json::json!({ "alg": algorithm, "typ": "JWT" });
    if let Some(key) = key {
        header["kid"] = key.into();
    }
    let signed = format!("{}.{}", part(&header), part(claims));
    let mac = match algorithm {
        "HS256" => Some("hmac-sha256"),
        "HS384" => Some("hmac-sha384"),
        "HS512" => Some("hmac-sha512"),
        _ => None,
    };
    let signature = match (mac, algorithm, signer.private) {
        (Some(mac), _, _) => {
            let key = crate::native::derive(signer.secret.as_bytes(), &scheme.key_prefix, scheme.key)?;
            crate::native::mac(mac, &key, std::iter::once(signed.as_bytes())).expect("is known")
        }
        (_, "ES256", Some(private)) => private.sign("ecdsa-p256-sha256-fixed", signed.as_bytes())?,
        (_, "EdDSA", Some(private)) => private.sign("ed25519", signed.as_bytes())?,
        (_, "RS256", Some(private)) => private.sign("rsa-pkcs1-sha256", signed.as_bytes())?,
        _ => return Err(format!("a private key is needed to sign with {algorithm}")),
    };
    Ok(format!("{signed}.{}", signature::encode(Encoding::Base64url, &signature)))
}
