//! How a stranger's text is shown in messages and records: one line, and not too long.

use std::fmt::Write;

/// Bytes of an excerpt, before the `…`.
const BYTES_MOST: usize = 80;

/// The beginning of a text, with control characters escaped, and `…` if something was left out.
pub(crate) fn excerpt(text: &str) -> String {
    let shown = &text[..text.floor_char_boundary(BYTES_MOST)];
    let mut line = String::with_capacity(shown.len() + 4);
    for character in shown.chars() {
        match character {
            control if control.is_control() => _ = write!(line, "{}", control.escape_default()),
            plain => line.push(plain),
        }
    }
    if shown.len() < text.len() {
        line.push('…');
    }
    line
}

/// `excerpt` of bytes that may not be UTF-8; what is not becomes U+FFFD.
pub(crate) fn excerpt_of_bytes(bytes: &[u8]) -> String {
    // One byte more than is shown, so that the cut is seen.
    let few = &bytes[..bytes.len().min(BYTES_MOST + 4)];
    excerpt(&String::from_utf8_lossy(few))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_one_short_line() {
        assert_eq!(excerpt("plain é"), "plain é");
        assert_eq!(excerpt("a\r\nb\u{1b}"), "a\\r\\nb\\u{1b}");
        assert_eq!(excerpt(&"é".repeat(41)), format!("{}…", "é".repeat(40)));
        assert_eq!(excerpt(&format!("x{}", "é".repeat(40))), format!("x{}…", "é".repeat(39)));
        assert_eq!(excerpt_of_bytes(b"a\xffb"), "a\u{fffd}b");
        assert_eq!(excerpt_of_bytes(&[b'a'; 80]), "a".repeat(80));
        assert_eq!(excerpt_of_bytes(&[b'a'; 81]), format!("{}…", "a".repeat(80)));
    }
}
