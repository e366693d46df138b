//! Header fields that are for the next hop alone.

use http::{
    HeaderMap, HeaderName,
    header::{CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE},
};
use model::headers::leave_out;

static FIELDS: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Removes what an intermediary must not pass on: `Connection`, the fields that it names, and those that are known to
/// be meant for one hop whether named or not. The others keep their order. Source: RFC 9110, sections 7.6.1 and 11.7.
pub fn strip(headers: &mut HeaderMap) {
    let nominated = nominated(headers);
    leave_out(headers, |name| FIELDS.contains(name) || nominated.contains(name));
}

/// The fields that `Connection` names.
fn nominated(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(CONNECTION).iter();
    let names = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    // What is no name of a field names none.
    names.filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok()).collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    fn stripped(lines: &[(&'static str, &'static str)]) -> Vec<(String, String)> {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            map.append(*name, HeaderValue::from_static(value));
        }
        strip(&mut map);
        map.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect()
    }

    #[test]
    fn fields_of_one_hop_go() {
        let left = stripped(&[
            ("keep-alive", "timeout=5"),
            ("proxy-authenticate", "Basic"),
            ("proxy-authorization", "Basic eA=="),
            ("proxy-connection", "keep-alive"),
            ("te", "trailers"),
            ("trailer", "x-sum"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("connection", "close"),
        ]);
        assert_eq!(left, []);
    }

    #[test]
    fn nominated_fields_go_from_every_value_of_connection() {
        let left = stripped(&[
            ("connection", "X-One , x-two,, connection"),
            ("connection", "x-three"),
            ("x-one", "1"),
            ("x-one", "1 again"),
            ("x-two", "2"),
            ("x-three", "3"),
            ("x-four", "4"),
        ]);
        assert_eq!(left, [("x-four".to_owned(), "4".to_owned())]);
    }

    #[test]
    fn what_names_no_field_is_passed_over() {
        let left = stripped(&[("connection", "no such field!, close"), ("x-four", "4")]);
        assert_eq!(left, [("x-four".to_owned(), "4".to_owned())]);
        let mut map = headers(&[("x-four", "4")]);
        map.insert(CONNECTION, HeaderValue::from_bytes(b"\xff, x-four").unwrap());
        strip(&mut map);
        assert!(map.is_empty());
    }

    #[test]
    fn what_stays_keeps_its_order() {
        let left = stripped(&[
            ("a", "1"),
            ("connection", "x-hop"),
            ("b", "1"),
            ("x-hop", "1"),
            ("c", "1"),
            ("d", "1"),
            ("a", "2"),
        ]);
        let names: Vec<&str> = left.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "a", "b", "c", "d"]);
    }

    #[test]
    fn fields_of_the_whole_way_stay_with_their_order() {
        let lines = [("set-cookie", "a"), ("content-length", "3"), ("set-cookie", "b"), ("via", "1.1 x")];
        let left = stripped(&lines);
        let cookies: Vec<_> = left.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value).collect();
        assert_eq!(cookies, ["a", "b"]);
        assert_eq!(left.len(), 4);
    }
}
