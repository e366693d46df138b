//! JSON: the usual crate, re-exported, and what it lacks.

pub use serde_json::{Value, from_slice, from_str, json, to_string, to_vec};

/// A JSON pointer (RFC 6901) of names and indexes as they are, escaped.
///
/// ```
/// use snaphook_sdk::json;
///
/// assert_eq!(json::pointer(["files", "a/b~c", "0"]), "/files/a~1b~0c/0");
/// ```
pub fn pointer<'a>(tokens: impl IntoIterator<Item = &'a str>) -> String {
    let mut pointer = String::new();
    for token in tokens {
        pointer.push('/');
        for letter in token.chars() {
            match letter {
                '~' => pointer.push_str("~0"),
                '/' => pointer.push_str("~1"),
                letter => pointer.push(letter),
            }
        }
    }
    pointer
}

/// What is wrong with a text, with its place: `rules[2].to: invalid type: integer 3, expected a string`.
pub(crate) fn fault(text: &str, error: &serde_json::Error) -> String {
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    let place = place(text, offset(text, error.line(), error.column()));
    if place.is_empty() { message.to_owned() } else { [&place, ": ", message].concat() }
}

/// Bytes of the text up to a line and column as `serde_json` counts them.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    before + column
}

/// The place of the value that the first `end` bytes of a JSON text end in or with. It is found after the fact, so that
/// reading costs nothing more.
fn place(text: &str, end: usize) -> String {
    /// Where in each open container the text is: the bytes of the member's name, or the index of the element.
    enum Step {
        Member(usize, usize),
        Element(usize),
    }
    let bytes = &text.as_bytes()[..end.min(text.len())];
    let mut steps: Vec<Step> = Vec::new();
    let mut closed = false;
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        at += 1;
        if byte.is_ascii_whitespace() {
            continue;
        }
        if closed {
            steps.pop();
            closed = false;
        }
        match byte {
            b'{' => steps.push(Step::Member(at, at)),
            b'[' => steps.push(Step::Element(0)),
            b'}' | b']' => closed = true,
            b',' => match steps.last_mut() {
                Some(Step::Element(index)) => *index += 1,
                Some(Step::Member(from, to)) => (*from, *to) = (at, at),
                None => {}
            },
            b'"' => {
                let from = at;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                let to = at.min(bytes.len());
                at += 1;
                match steps.last_mut() {
                    Some(Step::Member(name, name_end)) if name == name_end => (*name, *name_end) = (from, to),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    if closed {
        // The fault is of the whole container that ends here, not of its last member.
        steps.pop();
    }
    let mut place = String::new();
    for step in steps {
        match step {
            Step::Member(from, to) if from == to => {}
            Step::Member(from, to) => {
                if !place.is_empty() {
                    place.push('.');
                }
                place.push_str(&text[from..to]);
            }
            Step::Element(index) => place.push_str(&["[", &index.to_string(), "]"].concat()),
        }
    }
    place
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Table {
        rules: Vec<Rule>,
        #[serde(default)]
        limit: u8,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Rule {
        to: Vec<String>,
        event: Option<String>,
    }

    fn fault_of(text: &str) -> String {
        fault(text, &serde_json::from_str::<Table>(text).expect_err("is wrong"))
    }

    #[test]
    fn a_fault_names_its_place() {
        for (text, expected) in [
            (
                r#"{"rules":[{"to":["ci"]},{"to":["ci",3]}]}"#,
                "rules[1].to[1]: invalid type: integer `3`, expected a string",
            ),
            (r#"{"rules":[{"to":[]},{"event":"push"}]}"#, "rules[1]: missing field `to`"),
            (
                "{\"rules\":[\n {\"to\":[],\n  \"evnt\":1}]}",
                "rules[0].evnt: unknown field `evnt`, expected `to` or `event`",
            ),
            (r#"{"rules":[],"limit":300}"#, "limit: invalid value: integer `300`, expected u8"),
            (
                r#"{"rules":[{"to":["a\"b,{"],"event":false}]}"#,
                "rules[0].event: invalid type: boolean `false`, expected a string",
            ),
            (r#"{"rules":7}"#, "rules: invalid type: integer `7`, expected a sequence"),
            (r#"{ }"#, "missing field `rules`"),
            ("[]", "invalid length 0, expected struct Table with 2 elements"),
            ("", "EOF while parsing a value"),
        ] {
            assert_eq!(fault_of(text), expected, "{text}");
        }
    }
}
