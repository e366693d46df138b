//! Patterns in which `*` stands for any text, also none.

/// Whether the whole text fits the pattern. Takes no more steps than the product of both lengths.
pub fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let mut pieces = rest.split('*');
    let end = pieces.next_back().unwrap_or_default();
    for piece in pieces {
        // The first place is as good as any: what follows has the most room after it.
        let Some((_, after)) = text.split_once(piece) else { return false };
        text = after;
    }
    text.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, fits) in [
            ("octo/app", "octo/app", true),
            ("octo/app", "octo/apple", false),
            ("octo/*", "octo/app", true),
            ("octo/*", "octo/", true),
            ("octo/*", "octa/app", false),
            ("*", "", true),
            ("*/app", "octo/app", true),
            ("*/app", "app", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("ab*ba", "aba", false),
            ("ab*ba", "abba", true),
            ("**", "x", true),
            ("*é*", "café au lait", true),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }
}
