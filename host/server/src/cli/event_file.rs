//! An event in a file: what is sent, and what filters and routes are tried with.

use std::path::Path;

use model::{
    Fault, Faults,
    event_file::{EventFile, Parts},
};

use super::failure::Failure;

pub(crate) fn open(file: &Path) -> Result<Parts, Failure> {
    let shown = file.display().to_string();
    let text =
        std::fs::read_to_string(file).map_err(|error| Failure::usage(format!("`{shown}` cannot be read: {error}")))?;
    Ok(read(&shown, &text)?)
}

/// Reports every fault with its place.
fn read(name: &str, text: &str) -> Result<Parts, Faults> {
    let written: EventFile = serde_json::from_str(text).map_err(|error| {
        let place = format!("{name}:{}", error.line());
        // The line is said already.
        let problem = error.to_string();
        let problem = problem.split(" at line ").next().unwrap_or_default();
        Faults::one(place, problem)
    })?;
    written.read().map_err(|faults| {
        let located = faults.0.into_iter().map(|fault| Fault { at: format!("{name}: {}", fault.at), ..fault });
        Faults(located.collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        read("event.json", text).unwrap_err().0.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_event_is_read() {
        let text = r#"{ "path": "/github", "headers": [["X-GitHub-Event", "push"], ["x-a", "1"], ["x-a", "2"]],
            "body": { "b": 1, "a": [true, null] } }"#;
        let event = read("event.json", text).unwrap();
        assert_eq!((event.method.as_str(), event.path.as_str(), event.query.as_deref()), ("POST", "/github", None));
        assert_eq!(event.headers.get("x-github-event").unwrap(), "push");
        assert_eq!(event.headers.get_all("x-a").iter().count(), 2);
        assert_eq!(event.body, r#"{"b":1,"a":[true,null]}"#);
        assert_eq!(read("e", r#"{"body_base64": "AAH/"}"#).unwrap().body, [0, 1, 255].as_slice());
        assert_eq!(read("e", r#"{"body_text": "a\n"}"#).unwrap().body, "a\n");
        assert_eq!(read("e", "{}").unwrap().body, "");
    }

    #[test]
    fn what_the_host_is_sent_means_the_same() {
        let event = read("e", r#"{"path": "/x", "query": "a=1", "headers": [["A", "b"]], "body": {"c": 1}}"#);
        let again = read("e", &serde_json::to_string(&event.unwrap().file()).unwrap()).unwrap();
        assert_eq!(
            (again.path.as_str(), again.query.as_deref(), again.body.as_ref()),
            ("/x", Some("a=1"), b"{\"c\":1}".as_ref())
        );
        assert_eq!(again.headers.get("a").unwrap(), "b");
    }

    #[test]
    fn every_fault_has_its_place() {
        assert_eq!(
            faults(
                r#"{"method": "P T", "path": "x?", "headers": [["ok", "1"], ["a b", "1"], ["c", "\n"]], "body": 1, "body_text": ""}"#
            ),
            [
                "event.json: method: `P T` is no method: write `POST`",
                "event.json: path: `x?` must begin with `/` and hold no query",
                "event.json: headers[1]: `a b` is no header name",
                "event.json: headers[2]: the value of `c` has control characters",
                "event.json: body: there may be only one of `body`, `body_text` and `body_base64`",
            ]
        );
        assert_eq!(
            faults(r#"{"body_base64": "?"}"#),
            ["event.json: body_base64: is no base64: Invalid symbol 63, offset 0."]
        );
        let unknown = faults("{\n\"boddy\": 1}");
        assert!(
            unknown[0].starts_with("event.json:2: unknown field `boddy`, expected one of `method`, "),
            "{unknown:?}"
        );
        assert_eq!(faults("{\n"), ["event.json:2: EOF while parsing an object"]);
    }
}
