//! Event files, as `snaphook test` and `snaphook send` read them.

use serde::Deserialize;
use serde_json::Value;

use super::Test;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    #[serde(default = "post")]
    method: String,
    #[serde(default = "root")]
    path: String,
    query: Option<String>,
    received_ms: Option<u64>,
    #[serde(default)]
    headers: Vec<(String, Octets)>,
    /// Sent as compact JSON.
    body: Option<Value>,
    body_text: Option<String>,
    body_base64: Option<String>,
}

/// A header's value: text, or bytes that are none.
#[derive(Deserialize)]
#[serde(untagged)]
enum Octets {
    Text(String),
    Bytes { base64: String },
}

impl Octets {
    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Bytes { base64: text } => base64(&text).expect("a header's `base64` is base64"),
        }
    }
}

fn post() -> String {
    "POST".to_owned()
}

fn root() -> String {
    "/".to_owned()
}

pub(super) fn read(test: Test, file: &str) -> Test {
    let sample: Sample = serde_json::from_str(file).unwrap_or_else(|error| panic!("this is no event file: {error}"));
    let body = match (sample.body, sample.body_text, sample.body_base64) {
        (None, None, None) => Vec::new(),
        (Some(json), None, None) => json.to_string().into_bytes(),
        (None, Some(text), None) => text.into_bytes(),
        (None, None, Some(text)) => base64(&text).expect("`body_base64` is base64"),
        _ => panic!("an event file has one of `body`, `body_text` and `body_base64`"),
    };
    let mut test = test.method(&sample.method).path(&sample.path).body(body);
    if let Some(received) = sample.received_ms {
        test = test.clock_ms(received);
    }
    if sample.query.is_some() {
        test.head.query = sample.query;
    }
    test.head.headers.clear();
    sample.headers.into_iter().fold(test, |test, (name, value)| test.append_header(&name, value.bytes()))
}

/// RFC 4648, section 4, padding optional.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_is_read() {
        // Source of the vectors: RFC 4648, section 10.
        for (text, bytes) in [("", ""), ("Zg==", "f"), ("Zm8", "fo"), ("Zm9v", "foo"), ("Zm9vYmE=", "fooba")] {
            assert_eq!(base64(text).as_deref(), Some(bytes.as_bytes()));
        }
        assert_eq!(base64("//79"), Some(vec![0xff, 0xfe, 0xfd]));
        assert_eq!(base64("Zm 9"), None);
    }
}
