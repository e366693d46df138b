//! Plivo, version 3: URL, sorted parameters and a nonce.

use crate::{
    judge::{Cause, Judged, Way, failed, urls},
    recipe::{Algorithm, Encoding},
    request::Request,
    signature,
    value::Part,
};

const HEADERS: [&str; 2] = ["x-plivo-signature-v3", "x-plivo-signature-ma-v3"];

pub(super) fn judge(way: &Way<'_>) -> Judged {
    let given = HEADERS.iter().filter_map(|name| way.request.header(name));
    let given: Vec<String> = given.map(|value| String::from_utf8_lossy(value).into_owned()).collect();
    if given.is_empty() {
        return Ok(None);
    }
    let nonce = way.request.header("x-plivo-signature-v3-nonce").unwrap_or_default();
    if nonce.is_empty() {
        return failed(Cause::Malformed("header x-plivo-signature-v3-nonce is missing".to_owned()));
    }
    let given = given.iter().flat_map(|list| list.split(','));
    let given: Vec<Vec<u8>> = given.filter_map(|one| signature::decode(Encoding::Base64, one.trim())).collect();
    for url in urls(way, true) {
        let Some(text) = text(&way.request.under(url)) else {
            return failed(Cause::Malformed("Plivo signs GET and POST only".to_owned()));
        };
        let parts = [Part::Bytes([text.as_bytes(), b".", nonce].concat().into())];
        for signature in &given {
            if way.crypto.mac_verify(way.key, Algorithm::HmacSha256, &parts, signature)? {
                return way.good();
            }
        }
    }
    failed(Cause::Mismatch)
}

pub(super) fn text(request: &Request<'_>) -> Option<String> {
    let url = request.url();
    let base = url.split(['?', '#']).next().unwrap_or_default();
    let sorted = |pairs: &[(String, String)]| {
        let mut pairs = pairs.to_vec();
        pairs.sort();
        pairs
    };
    let query: Vec<String> =
        sorted(request.query_pairs()).iter().map(|(name, value)| format!("{name}={value}")).collect();
    let query = query.join("&");
    match request.incoming().method() {
        "GET" if query.is_empty() => Some(base.to_owned()),
        "GET" => Some(format!("{base}?{query}")),
        "POST" => {
            let fields: String = sorted(request.form()).iter().map(|(name, value)| format!("{name}{value}")).collect();
            Some(match (query.is_empty(), fields.is_empty()) {
                (true, true) => base.to_owned(),
                (false, true) => format!("{base}?{query}"),
                (true, false) => format!("{base}?{fields}"),
                (false, false) => format!("{base}?{query}.{fields}"),
            })
        }
        _ => None,
    }
}

#[cfg(feature = "send")]
pub(super) fn sign(signer: &crate::send::Signer<'_>, sent: &mut crate::send::Sent) -> Result<(), String> {
    let incoming = sent.clone();
    let text = text(&Request::new(&incoming, None, signer.settings)).ok_or("Plivo signs GET and POST only")?;
    let nonce = crate::native::random_text(20);
    let message: [&[u8]; 3] = [text.as_bytes(), b".", nonce.as_bytes()];
    let signed = super::mac(signer, crate::KeyForm::Utf8, "hmac-sha256", &message)?;
    sent.set("x-plivo-signature-v3-nonce", nonce);
    sent.set(HEADERS[0], signature::encode(Encoding::Base64, &signed));
    Ok(())
}
