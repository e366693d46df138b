//! Headers that go, while the order of those that stay is kept.

use std::mem;

use http::{HeaderMap, HeaderName};

/// Leaves out every header of these names. `HeaderMap::remove` would put the last name in the place of the removed one, so
/// the others are moved to a new map; if there is nothing to leave out, nothing is moved.
pub fn leave_out(headers: &mut HeaderMap, goes: impl Fn(&HeaderName) -> bool) {
    if !headers.keys().any(&goes) {
        return;
    }
    let room = HeaderMap::with_capacity(headers.keys_len());
    // A name comes once, with the first of its values.
    let mut stays = true;
    let kept = mem::replace(headers, room).into_iter().filter(|(name, _)| {
        stays = name.as_ref().map_or(stays, |name| !goes(name));
        stays
    });
    headers.extend(kept);
}

/// Whether every name is a token (RFC 9110, section 5.6.2). `http` makes sure of it, except that it takes `"` in names that
/// come over HTTP/2, which must not go on over HTTP/1.1.
pub fn are_tokens(headers: &HeaderMap) -> bool {
    !headers.keys().any(|name| name.as_str().contains('"'))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn those_that_stay_keep_their_order_and_their_values() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("a", "1"), ("gone", "1"), ("b", "1"), ("a", "2"), ("gone", "2"), ("c", "1"), ("b", "2")]
        {
            headers.append(name, HeaderValue::from_static(value));
        }
        leave_out(&mut headers, |name| *name == "gone" || *name == "never there");
        let left: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(left, [("a", "1"), ("a", "2"), ("b", "1"), ("b", "2"), ("c", "1")]);
    }

    #[test]
    fn a_name_with_a_quotation_mark_is_no_token() {
        let header = |name: &[u8]| (HeaderName::from_lowercase(name).unwrap(), HeaderValue::from_static("1"));
        assert!(are_tokens(&HeaderMap::from_iter([header(b"a"), header(b"!#$%&'*+-.^_`|~09az")])));
        assert!(!are_tokens(&HeaderMap::from_iter([header(b"a"), header(b"b\"c")])));
        // What `http` itself refuses, whichever way a name comes.
        for byte in (0..=u8::MAX).filter(|byte| !byte.is_ascii_alphanumeric() && !b"\"!#$%&'*+-.^_`|~".contains(byte)) {
            assert!(HeaderName::from_lowercase(&[b'a', byte]).is_err(), "{byte}");
            assert!(HeaderName::from_bytes(&[b'a', byte]).is_err(), "{byte}");
        }
        assert!(HeaderName::from_bytes(b"b\"c").is_err());
    }

    #[test]
    fn nothing_is_moved_if_all_stay() {
        let mut headers = HeaderMap::from_iter([("a".parse().unwrap(), HeaderValue::from_static("1"))]);
        let place = std::ptr::from_ref(&headers["a"]);
        leave_out(&mut headers, |name| *name == "gone");
        assert_eq!(std::ptr::from_ref(&headers["a"]), place);
    }
}
