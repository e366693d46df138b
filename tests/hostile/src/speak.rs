//! Says what no sender may hear.

use snaphook_sdk::{hmac, kv, log, prelude::*, secrets};

use crate::Deed;

/// None if it is told something else.
#[expect(clippy::panic, reason = "is what it is for")]
pub(crate) fn deed(deed: &Deed<'_>) -> Option<Result<Verdict>> {
    if deed.name != "tell" {
        return None;
    }
    let secret = secrets::reveal("token").unwrap_or_default();
    let text = format!("secret token is {}", String::from_utf8_lossy(&secret));
    log::info!("{text}");
    Some(match deed.word(0) {
        "panic" => panic!("{text}"),
        "fail" => Err(text.into()),
        "reject" => Ok(Verdict::reject(403).reason(text)),
        "drop" => Ok(Verdict::drop(text)),
        "bad-output" => Ok(Verdict::edit().set_header(text.as_str(), text.as_str())),
        "choice" => Ok(Verdict::edit().choose([text])),
        "denied" => {
            // The name of what it wants and has not is told to the operator, who might grant it.
            let asked = [secrets::reveal(&text).is_err(), kv::namespace(&text).get("key").is_err()];
            let signed = hmac::sign(&text, hmac::Algorithm::HmacSha256, &[]).is_err();
            panic!("{text}: {asked:?} {signed}")
        }
        _ => return None,
    })
}
