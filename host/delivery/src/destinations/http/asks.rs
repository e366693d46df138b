//! What an answer asks for in its headers.

use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, header::RETRY_AFTER};
use model::Timestamp;

use crate::destinations::{Asks, Wait};

/// Of several fields of a name the first counts; what cannot be read asks for nothing.
pub(super) fn read(headers: &HeaderMap) -> Asks {
    let wait = headers.get(RETRY_AFTER).and_then(|value| read_wait(value.to_str().ok()?.trim()));
    let mut asks = Asks { wait, ..Asks::default() };
    // https://docs.svix.com/receiving/delivery-control
    match headers.get("webhook-delivery").map(|value| value.as_bytes().trim_ascii()) {
        Some(b"abort-message") => asks.abort = true,
        Some(b"disable") => asks.disable = true,
        _ => {}
    }
    asks
}

/// Seconds, or a date in one of the three forms of HTTP: RFC 9110, sections 10.2.3 and 5.6.7.
fn read_wait(value: &str) -> Option<Wait> {
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number can have are still a long time.
        return Some(Wait::For(Duration::from_secs(value.parse().unwrap_or(u64::MAX))));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let since = date.duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(Wait::Until(Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn wait(value: &'static str) -> Option<Wait> {
        read(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))])).wait
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let seconds = |seconds| Some(Wait::For(Duration::from_secs(seconds)));
        assert_eq!(wait("120"), seconds(120));
        assert_eq!(wait(" 0 "), seconds(0));
        assert_eq!(wait("99999999999999999999999999"), seconds(u64::MAX));
        let date = Some(Wait::Until(Timestamp::from_millis(784_111_777_000)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), date);
        assert_eq!(wait("Sunday, 06-Nov-94 08:49:37 GMT"), date);
        assert_eq!(wait("Sun Nov  6 08:49:37 1994"), date);
        for wrong in ["", "-1", "1.5", "soon", "+3", "1s", "Sun, 06 Nov 1994 08:49:37 CET", "1994-11-06T08:49:37Z"] {
            assert_eq!(wait(wrong), None, "{wrong}");
        }
        assert_eq!(read(&HeaderMap::new()), Asks::default());
    }

    #[test]
    fn a_receiver_may_end_it() {
        let asks = |value| read(&HeaderMap::from_iter([("webhook-delivery".parse().unwrap(), value)]));
        assert!(asks(HeaderValue::from_static("abort-message")).abort);
        assert!(asks(HeaderValue::from_static(" disable ")).disable);
        assert_eq!(asks(HeaderValue::from_static("abort")), Asks::default());
        assert_eq!(asks(HeaderValue::from_bytes(b"\xff").unwrap()), Asks::default());
    }
}
