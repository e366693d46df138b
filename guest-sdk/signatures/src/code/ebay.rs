//! eBay: a signature whose key is fetched with an application's token.

use serde_json::Value as Json;

use super::choice;
use crate::{
    judge::{Cause, Fetch, Judged, PublicKey, Text, Trouble, Way, failed},
    recipe::Encoding,
    signature,
    value::Part,
};

/// eBay asks to keep a key for an hour; a token is good for two.
const KEEP: u32 = 3_600;

pub(super) fn judge(way: &Way<'_>) -> Judged {
    let Some(given) = way.request.header("x-ebay-signature") else { return Ok(None) };
    let malformed = || failed(Cause::Malformed("header x-ebay-signature is not base64 of eBay's JSON".to_owned()));
    let decoded = std::str::from_utf8(given).ok().and_then(|text| signature::decode(Encoding::Base64, text));
    let Some(given) = decoded.and_then(|json| serde_json::from_slice::<Json>(&json).ok()) else { return malformed() };
    let text = |name: &str| given.get(name).and_then(Json::as_str);
    let algorithm = match (text("alg"), text("digest")) {
        (Some("ecdsa" | "ECDSA"), None | Some("SHA1")) => "ecdsa-p256-sha1",
        (Some("ecdsa" | "ECDSA"), Some("SHA256")) => "ecdsa-p256-sha256",
        _ => return failed(Cause::Malformed("the signature's algorithm is none of eBay's".to_owned())),
    };
    let (Some(id), Some(signature)) = (text("kid"), text("signature")) else { return malformed() };
    // It becomes a part of a URL.
    if id.is_empty() || id.len() > 64 || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return failed(Cause::Malformed("the signature's key id is none of eBay's".to_owned()));
    }
    let Some(signature) = signature::decode(Encoding::Base64, signature) else { return malformed() };
    let host = match choice(way, "environment", &["production", "sandbox"]) {
        Ok("sandbox") => "https://api.sandbox.ebay.com",
        Ok(_) => "https://api.ebay.com",
        Err(cause) => return failed(cause),
    };
    let Some(key) = key(way, host, id)? else {
        return failed(Cause::UnknownSecret("eBay does not publish the key that the signature names".to_owned()));
    };
    match way.crypto.signature_verify(PublicKey::Given(key.as_bytes()), algorithm, &[Part::Body], &signature)? {
        true => way.good(),
        false => failed(Cause::Mismatch),
    }
}

fn key(way: &Way<'_>, host: &str, id: &str) -> Result<Option<String>, Trouble> {
    let json = |bytes: &[u8]| serde_json::from_slice::<Json>(bytes).ok();
    let literal = |text: &str| Text::Literal(text.to_owned());
    let url = format!("{host}/identity/v1/oauth2/token");
    let form = "grant_type=client_credentials&scope=https%3A%2F%2Fapi.ebay.com%2Foauth%2Fapi_scope";
    let headers = vec![
        ("content-type", vec![literal("application/x-www-form-urlencoded")]),
        ("authorization", vec![literal("Basic "), Text::SecretBase64(way.key.secret)]),
    ];
    let token = way.crypto.fetch(&Fetch { url: &url, headers, body: Some(vec![literal(form)]), keep: KEEP })?;
    let token = json(&token).and_then(|token| token.get("access_token")?.as_str().map(str::to_owned));
    let token = token.ok_or_else(|| Trouble::Unavailable("eBay gave no application token".to_owned()))?;
    let url = format!("{host}/commerce/notification/v1/public_key/{id}");
    let headers = vec![("authorization", vec![Text::Literal(format!("bearer {token}"))])];
    let answer = way.crypto.fetch(&Fetch { url: &url, headers, body: None, keep: KEEP })?;
    let key = json(&answer).and_then(|answer| answer.get("key")?.as_str().map(str::to_owned));
    Ok(key.map(|key| with_lines(&key)))
}

/// A PEM text whose first and last line may have lost their ends.
fn with_lines(key: &str) -> String {
    let inside = key.replace("-----BEGIN PUBLIC KEY-----", "").replace("-----END PUBLIC KEY-----", "");
    let inside: String = inside.split_whitespace().collect();
    format!("-----BEGIN PUBLIC KEY-----\n{inside}\n-----END PUBLIC KEY-----\n")
}

#[cfg(feature = "send")]
pub(super) fn sign(signer: &crate::send::Signer<'_>, sent: &mut crate::send::Sent) -> Result<(), String> {
    let private = signer.private.ok_or("a private key is needed to sign as eBay does")?;
    let signed = private.sign("ecdsa-p256-sha256", &sent.body)?;
    let id = signer.settings.get("kid").map_or("9936261a-7d7b-4621-a0f1-96ccb428af49", String::as_str);
    let header = serde_json::json!({
        "alg": "ecdsa", "kid": id, "signature": signature::encode(Encoding::Base64, &signed), "digest": "SHA256",
    });
    sent.set("x-ebay-signature", signature::encode(Encoding::Base64, header.to_string().as_bytes()));
    Ok(())
}
