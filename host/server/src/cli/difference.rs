//! What became of a request, as a difference that people can read.

use model::event_file::Parts;

use super::{show, story};

/// Head and body, each under its heading; empty if nothing differs.
pub(crate) fn difference(before: &Parts, after: &Parts) -> String {
    let mut text = String::new();
    let head = show::diff(&head(before), &head(after));
    if !head.is_empty() {
        text.push_str(&format!("\n{}\n{head}", show::styled(show::STRONG, "head")));
    }
    if before.body != after.body {
        let body = show::diff(&story::body_bytes(&before.body), &story::body_bytes(&after.body));
        let body = if body.is_empty() { "  only its spelling changed\n".to_owned() } else { body };
        text.push_str(&format!("\n{}\n{body}", show::styled(show::STRONG, "body")));
    }
    text
}

fn head(parts: &Parts) -> String {
    let query = parts.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
    let value = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = parts.headers.iter().map(|(name, shown)| format!("{name}: {}\n", value(shown)));
    format!("{} {}{query}\n{}", parts.method, parts.path, headers.collect::<String>())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderName, HeaderValue, Method};

    use super::*;

    fn parts(path: &str, headers: &[(&'static str, &'static str)], body: &'static str) -> Parts {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect::<HeaderMap>();
        Parts {
            method: Method::POST,
            path: path.to_owned(),
            query: None,
            received: None,
            headers,
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    fn plain(before: &Parts, after: &Parts) -> String {
        anstream::adapter::strip_str(&difference(before, after)).to_string()
    }

    #[test]
    fn only_what_differs_is_shown() {
        let before = parts("/a", &[("x-a", "1"), ("x-b", "1")], "{\"n\":1}");
        assert_eq!(plain(&before, &before), "");
        assert_eq!(
            plain(&before, &parts("/a", &[("x-a", "1"), ("x-b", "2")], "{\"n\":1}")),
            "\nhead\n  POST /a\n  x-a: 1\n- x-b: 1\n+ x-b: 2\n"
        );
        let spelled = parts("/a", &[("x-a", "1"), ("x-b", "1")], "{ \"n\": 1 }");
        assert_eq!(plain(&before, &spelled), "\nbody\n  only its spelling changed\n");
    }
}
