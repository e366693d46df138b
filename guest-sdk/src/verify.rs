//! Is the event from who it says? Each function returns `Ok` if it is, and a refusal with 401 that says why if not.

use crate::{
    error::{OrRefuse, Refusal, Result},
    event::Event,
    hex,
    hmac::Algorithm,
};

/// GitHub's signature: `X-Hub-Signature-256: sha256=HEX`, an HMAC-SHA256 of the body as it was received.
///
/// `secret` is the name under which the attachment grants it; say so in `export!`. Source:
/// <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>
///
/// ```
/// use snaphook_sdk::{prelude::*, verify};
///
/// struct Guard;
///
/// impl Filter for Guard {
///     type Config = ();
///
///     fn handle(event: &Event, _config: &()) -> Result<Verdict> {
///         verify::github(event, "webhook")?;
///         Ok(Verdict::pass())
///     }
/// }
///
/// snaphook_sdk::export!(Guard, body: buffered, secrets: ["webhook"]);
/// # fn main() {}
/// ```
///
/// # Errors
/// Refused with 401 if the header is missing, malformed, there twice, or not the body's. Failed if the secret is not
/// granted.
pub fn github(event: &Event, secret: &str) -> Result<()> {
    hmac_hex(event, secret, Algorithm::HmacSha256, "x-hub-signature-256", "sha256=")
}

/// A header that holds a prefix (which may be empty) and the hexadecimal MAC of the body as it was received.
///
/// # Errors
/// As [`github`].
pub fn hmac_hex(event: &Event, secret: &str, algorithm: Algorithm, header: &str, prefix: &str) -> Result<()> {
    let refused = |problem: &str| Refusal::new(401, ["header ", header, problem].concat());
    let mut values = event.header_values(header);
    let value = values.next().ok_or_else(|| refused(" is missing"))?;
    if values.next().is_some() {
        return Err(refused(" is there twice").into());
    }
    let signature = value
        .strip_prefix(prefix.as_bytes())
        .and_then(hex::decode)
        .filter(|signature| signature.len() == algorithm.length())
        .ok_or_else(|| refused(" is malformed"))?;
    let matches = event.body().original().mac_verify(secret, algorithm, &signature)?;
    matches.then_some(()).or_refuse(401, "signature does not match the body")?;
    Ok(())
}
