//! Plaid: a token whose key is asked for with the customer's own credentials.

use serde_json::Value as Json;

use super::choice;
use crate::{
    judge::{Cause, Fetch, Judged, Text, Way, failed, in_window},
    jwt::{Token, holds},
    recipe::Encoding,
    signature,
};

const WINDOW: u64 = 300;
/// A key is good for a day or more; one that has expired says so when it is asked for again.
const KEEP: u32 = 3_600;

pub(super) fn judge(way: &Way<'_>) -> Judged {
    let Some(given) = way.request.header("plaid-verification") else { return Ok(None) };
    let given = String::from_utf8_lossy(given);
    let Some(token) = Token::read(given.trim()) else {
        return failed(Cause::Malformed("header plaid-verification holds no JSON Web Token".to_owned()));
    };
    if token.header("alg") != Some("ES256") {
        return failed(Cause::Malformed("the token's algorithm must be ES256".to_owned()));
    }
    let id = token.header("kid").unwrap_or_default();
    if id.is_empty() || id.len() > 64 || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return failed(Cause::Malformed("the token's key id is none of Plaid's".to_owned()));
    }
    let key = match key(way, id) {
        Ok(fetched) => match fetched? {
            Some(key) => key,
            None => return failed(Cause::UnknownSecret("the token's key has expired or is not there".to_owned())),
        },
        Err(cause) => return failed(cause),
    };
    if !holds(way, &token, "ES256", Some(&key))? {
        return failed(Cause::Mismatch);
    }
    let issued = token.number("iat").unwrap_or_default().saturating_mul(1_000);
    if let Err(cause) = in_window(issued, way.crypto.now(), way.options.window.unwrap_or(WINDOW)) {
        return failed(cause);
    }
    let given = token.claims.get("request_body_sha256").and_then(Json::as_str);
    let given = given.and_then(|text| signature::decode(Encoding::Hex, text));
    match given.is_some() && given == way.request.sha256_of_body() {
        true => way.good(),
        false => failed(Cause::BodyAltered("the token's `request_body_sha256` is not the body's".to_owned())),
    }
}

type Fetched = Result<Option<Vec<u8>>, crate::judge::Trouble>;

fn key(way: &Way<'_>, id: &str) -> Result<Fetched, Cause> {
    let url = match choice(way, "environment", &["production", "sandbox"])? {
        "sandbox" => "https://sandbox.plaid.com/webhook_verification_key/get",
        _ => "https://production.plaid.com/webhook_verification_key/get",
    };
    let client = way.request.settings().get("client_id");
    let client = client.ok_or_else(|| Cause::UnknownSecret("the setting client_id is missing".to_owned()))?;
    let json = |text: &str| serde_json::to_string(text).expect("a string is JSON");
    let body = vec![
        Text::Literal(format!(r#"{{"client_id":{},"key_id":{},"secret":"#, json(client), json(id))),
        Text::SecretJson(way.key.secret),
        Text::Literal("}".to_owned()),
    ];
    let headers = vec![("content-type", vec![Text::Literal("application/json".to_owned())])];
    let answer = way.crypto.fetch(&Fetch { url, headers, body: Some(body), keep: KEEP });
    Ok(answer.map(|answer| {
        let answer: Json = serde_json::from_slice(&answer).ok()?;
        let key = answer.get("key")?;
        key["expired_at"].is_null().then(|| serde_json::to_vec(key).ok())?
    }))
}

#[cfg(feature = "send")]
pub(super) fn sign(
    scheme: &crate::Scheme,
    signer: &crate::send::Signer<'_>,
    sent: &mut crate::send::Sent,
) -> Result<(), String> {
    let digest = crate::native::hash("sha256", std::iter::once(sent.body.as_slice())).expect("is known");
    let claims = serde_json::json!({ "iat": signer.now / 1_000, "request_body_sha256": hex::encode(digest) });
    let id = signer.settings.get("kid").map_or("6c5516e1-92dc-479e-a8ff-5a51992e0001", String::as_str);
    let token = crate::jwt::made("ES256", Some(id), &claims, scheme, signer)?;
    sent.set("plaid-verification", token);
    Ok(())
}
