//! Which trace and which request an event belongs to: W3C Trace Context (`traceparent`, `tracestate`) and
//! `x-request-id`.

use http::{HeaderMap, HeaderName, HeaderValue, header::Entry};

const PARENT: HeaderName = HeaderName::from_static("traceparent");
const STATE: HeaderName = HeaderName::from_static("tracestate");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// `00-`, trace id, parent id and flags with their dashes.
const PARENT_BYTES: usize = 55;
/// Characters that a `tracestate` may have; the specification asks for at least 512 to be passed on.
const STATE_BYTES_MOST: usize = 1_024;
const STATE_MEMBERS_MOST: usize = 32;
const REQUEST_ID_BYTES_MOST: usize = 128;

/// Continues the sender's trace with this hop as the parent, or starts one.
pub(super) fn continue_or_start(headers: &mut HeaderMap, trace: u128, span: u64) {
    // Zero is no id.
    let span = span.max(1);
    let mut values = headers.get_all(PARENT).iter();
    let sent = match (values.next(), values.next()) {
        (Some(only), None) => read(only.as_bytes()),
        _ => None,
    };
    let parent = match sent {
        Some((trace, flags)) => write(trace, span, flags),
        // Sampled, as the destination's own root span would be: not sampled would turn off its tracing.
        None => write(trace.max(1), span, 1),
    };
    if headers.contains_key(STATE) && (sent.is_none() || !is_state(headers)) {
        headers.remove(STATE);
    }
    headers.insert(PARENT, parent);
}

/// Trace id and flags of a `traceparent` (section 3.2 of the recommendation; a later version is read as far as it is
/// known).
fn read(value: &[u8]) -> Option<(u128, u8)> {
    let text = str::from_utf8(value).ok().filter(|text| text.len() >= PARENT_BYTES && text.is_ascii())?;
    let mut fields = text.splitn(5, '-');
    let version = hex(fields.next()?, 2)?;
    let trace = hex(fields.next()?, 32)?;
    let parent = hex(fields.next()?, 16)?;
    let flags = hex(fields.next()?, 2)?;
    let whole = text.len() == PARENT_BYTES || (version > 0 && fields.next().is_some());
    (version != 0xff && trace != 0 && parent != 0 && whole).then_some((trace, u8::try_from(flags).ok()? & 1))
}

fn hex(text: &str, digits: usize) -> Option<u128> {
    let right = text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    right.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

fn write(trace: u128, span: u64, flags: u8) -> HeaderValue {
    let mut text = [b'-'; PARENT_BYTES];
    text[..2].copy_from_slice(b"00");
    write_hex(&mut text[3..35], &trace.to_be_bytes());
    write_hex(&mut text[36..52], &span.to_be_bytes());
    write_hex(&mut text[53..], &[flags]);
    HeaderValue::from_bytes(&text).expect("digits and dashes")
}

fn write_hex(text: &mut [u8], bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (digits, byte) in text.chunks_exact_mut(2).zip(bytes) {
        digits[0] = DIGITS[usize::from(byte >> 4)];
        digits[1] = DIGITS[usize::from(byte & 15)];
    }
}

/// Whether all `tracestate` lines together are a list of `key=value` (section 3.3).
fn is_state(headers: &HeaderMap) -> bool {
    let (mut bytes, mut members) = (0, 0);
    for line in headers.get_all(STATE) {
        bytes += line.len();
        let Ok(line) = line.to_str() else { return false };
        for member in line.split(',').map(str::trim).filter(|member| !member.is_empty()) {
            members += 1;
            if !member.split_once('=').is_some_and(|(key, value)| is_state_key(key) && is_state_value(value)) {
                return false;
            }
        }
    }
    bytes <= STATE_BYTES_MOST && (1..=STATE_MEMBERS_MOST).contains(&members)
}

fn is_state_key(key: &str) -> bool {
    let first = key.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/@".contains(&byte);
    first && key.len() <= 256 && key.bytes().all(known)
}

fn is_state_value(value: &str) -> bool {
    !value.is_empty() && value.len() <= 256 && value.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'=')
}

/// Keeps the request's id if it is one that can be logged and searched for, and gives it the event's otherwise.
pub(super) fn identify(headers: &mut HeaderMap, event: &HeaderValue) {
    let sane = |value: &HeaderValue| {
        (1..=REQUEST_ID_BYTES_MOST).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic)
    };
    match headers.entry(REQUEST_ID) {
        Entry::Occupied(sent) if sent.iter().count() == 1 && sane(sent.get()) => {}
        Entry::Occupied(mut sent) => _ = sent.insert(event.clone()),
        Entry::Vacant(none) => _ = none.insert(event.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

    fn told(lines: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, HeaderValue::from_static(value));
        }
        continue_or_start(&mut headers, 7, 0x0102);
        headers
    }

    #[test]
    fn a_trace_goes_on_with_a_new_parent() {
        let headers = told(&[(PARENT, SENT), (STATE, "congo=t61rcWkgMzE, rojo@x=00f"), (STATE, "a/b=1")]);
        assert_eq!(headers[PARENT], "00-0af7651916cd43dd8448eb211c80319c-0000000000000102-00");
        assert_eq!(headers.get_all(STATE).iter().count(), 2);
        let later = told(&[(PARENT, "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff-what")]);
        assert_eq!(later[PARENT], "00-0af7651916cd43dd8448eb211c80319c-0000000000000102-01");
    }

    #[test]
    fn what_is_no_trace_is_replaced_together_with_its_state() {
        for wrong in [
            "",
            "00",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x",
            "00-0af7651916cd43dd8448eb211c80319c0-b7ad6b7169203331-1",
        ] {
            let headers = told(&[(PARENT, wrong), (STATE, "a=1")]);
            assert_eq!(headers[PARENT], "00-00000000000000000000000000000007-0000000000000102-01", "{wrong}");
            assert!(!headers.contains_key(STATE), "{wrong}");
        }
        let twice = told(&[(PARENT, SENT), (PARENT, SENT)]);
        assert_eq!(twice.get_all(PARENT).iter().count(), 1);
        assert!(twice[PARENT].to_str().unwrap().starts_with("00-00000000000000000000000000000007-"));
    }

    #[test]
    fn a_wrong_state_goes_and_the_trace_stays() {
        for wrong in ["", "a", "A=1", "a=", "a=1=2", "=1"] {
            let headers = told(&[(PARENT, SENT), (STATE, wrong)]);
            assert!(!headers.contains_key(STATE), "{wrong}");
            assert!(headers[PARENT].to_str().unwrap().starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
        }
    }

    #[test]
    fn a_sane_request_id_is_kept() {
        let event = HeaderValue::from_static("evt_1");
        let id = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            values.iter().for_each(|value| _ = headers.append(REQUEST_ID, HeaderValue::from_static(value)));
            identify(&mut headers, &event);
            assert_eq!(headers.get_all(REQUEST_ID).iter().count(), 1);
            headers[REQUEST_ID].clone()
        };
        assert_eq!(id(&["7f-a/b:c"]), "7f-a/b:c");
        assert_eq!(id(&[]), event);
        assert_eq!(id(&["has space"]), event);
        assert_eq!(id(&["one", "two"]), event);
        let long: &'static str = "x".repeat(129).leak();
        assert_eq!(id(&[long]), event);
    }
}
