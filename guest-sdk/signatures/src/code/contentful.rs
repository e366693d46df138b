//! Contentful: the request itself names the headers that are signed.

use crate::{
    judge::{Cause, Judged, Way, failed, urls},
    recipe::{Algorithm, Encoding},
    request::Request,
    signature,
    value::Part,
};

const SIGNATURE: &str = "x-contentful-signature";
const HEADERS: &str = "x-contentful-signed-headers";
const TIME: &str = "x-contentful-timestamp";
/// 2020-01-01, before which the library takes no time.
const TIME_LEAST: u64 = 1_577_836_800_000;

pub(super) fn judge(way: &Way<'_>) -> Judged {
    let header = |name: &str| way.request.header(name).and_then(|value| std::str::from_utf8(value).ok());
    let Some(given) = header(SIGNATURE) else { return Ok(None) };
    let (Some(time), Some(names)) = (header(TIME), header(HEADERS)) else {
        return failed(Cause::Malformed(format!("header {TIME} or {HEADERS} is missing")));
    };
    let given = match signature::decode(Encoding::Hex, given) {
        Some(given) if given.len() == 32 => given,
        _ => return failed(Cause::Malformed(format!("header {SIGNATURE} is not 64 hexadecimal digits"))),
    };
    if time.parse::<u64>().map_or(true, |time| time <= TIME_LEAST) {
        return failed(Cause::Malformed(format!("header {TIME} is no time in milliseconds")));
    }
    let headers = match signed_headers(way.request, names) {
        Ok(headers) => headers,
        Err(problem) => return failed(Cause::Malformed(problem)),
    };
    for url in urls(way, true) {
        let request = way.request.under(url);
        let head = format!("{}\n{}\n{headers}\n", request.incoming().method(), encoded_path(&request));
        let parts = [Part::Bytes(head.into_bytes().into()), Part::Body];
        if way.crypto.mac_verify(way.key, Algorithm::HmacSha256, &parts, &given)? {
            return match way.check_time(time.as_bytes()) {
                Ok(()) => way.good(),
                Err(cause) => failed(cause),
            };
        }
    }
    failed(Cause::Mismatch)
}

/// `name:value` of each that is there, sorted, with semicolons between.
pub(super) fn signed_headers(request: &Request<'_>, names: &str) -> Result<String, String> {
    let mut names: Vec<String> = names.split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
    for needed in [HEADERS, TIME] {
        if !names.iter().any(|name| name == needed) {
            return Err(format!("header {HEADERS} does not name {needed}"));
        }
    }
    names.sort();
    names.dedup();
    let mut pairs = Vec::new();
    for name in names {
        match request.incoming().header(&name).as_slice() {
            [] => {}
            [value] => pairs.push(format!("{name}:{}", String::from_utf8_lossy(value).trim())),
            _ => return Err(format!("header {name} is signed and there twice")),
        }
    }
    Ok(pairs.join(";"))
}

/// As the library encodes it: the query twice.
pub(super) fn encoded_path(request: &Request<'_>) -> String {
    let url = request.url();
    let query = url.split('?').nth(1).unwrap_or_default();
    let path = request.path();
    match query {
        "" => encode_uri(path),
        query => encode_uri(&format!("{path}?{}", crate::jwt::percent_encoded(query))),
    }
}

/// JavaScript's `encodeURI`.
fn encode_uri(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => out.push(char::from(byte)),
            _ if b"-_.!~*'();/?:@&=+$,#".contains(&byte) => out.push(char::from(byte)),
            other => write!(out, "%{other:02X}").expect("a string takes everything"),
        }
    }
    out
}

#[cfg(feature = "send")]
pub(super) fn sign(signer: &crate::send::Signer<'_>, sent: &mut crate::send::Sent) -> Result<(), String> {
    let names = format!("content-type,{HEADERS},{TIME}");
    sent.set(HEADERS, names.clone());
    sent.set(TIME, signer.now.to_string());
    let incoming = sent.clone();
    let request = Request::new(&incoming, None, signer.settings);
    let head = format!("{}\n{}\n{}\n", incoming.method, encoded_path(&request), signed_headers(&request, &names)?);
    let form = crate::KeyForm::Utf8;
    let signed = super::mac(signer, form, "hmac-sha256", &[head.as_bytes(), &incoming.body])?;
    sent.set(SIGNATURE, hex::encode(signed));
    Ok(())
}
