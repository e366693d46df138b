//! Verdicts that no host should take. Each is refused whole, and says to its author what is wrong with it.

use serde_json::json;

use super::{Arena, Row, made};

/// What a call of the filter may hand over takes more than the host lets it.
const TOO_MUCH: &str = "too much data is being copied between the host and the guest";

#[tokio::test(flavor = "multi_thread")]
async fn too_many_or_too_large() {
    let arena = Arena::with_hostile().await;
    let roomy = json!({"edits": 10_000, "memory_bytes": 256 << 20});
    let rows = [
        Row::fails("edits 1001", "bad-output", "edits: 1001 are too many: `limits.edits` is 1000"),
        Row::fails("headers 33000", "bad-output", "edits: 33000 are too many: `limits.edits` is 1000"),
        Row::fails("respond-headers 33000", "bad-output", "respond.headers: 33000 headers are too many"),
        Row::fails("reject-headers 33000", "bad-output", "reject.headers: 33000 headers are too many"),
        Row::answers(
            "say-headers 33000",
            200,
            "invalid argument: headers: 33000 headers are too many: `limits.headers` is 256",
        ),
        Row::fails("headers 300", "bad-output", "edits: 303 headers are too many: `limits.headers` is 256"),
        Row::fails("choices 1000", "bad-output", "…1000 destinations are too many"),
        Row::fails("long-header 70000", "bad-output", "…bytes of headers are too many: `limits.header_bytes` is 65536"),
        Row::fails("long-header 16000000", "trap", TOO_MUCH),
        Row::fails("long-name 70000", "bad-output", "…` is no header name"),
        Row::fails("long-method 1000000", "bad-output", "…` is no method"),
        Row::fails("long-path 33000", "bad-output", "…33001 bytes of path and query are too many"),
        Row::fails("long-query 33000", "bad-output", "…33000 bytes of path and query are too many"),
        Row::fails("long-choice 1000000", "bad-output", "…is not one of the route's destinations"),
        Row::fails("long-drop 16000000", "trap", TOO_MUCH),
        Row::fails("long-reject 16000000", "trap", TOO_MUCH),
        Row::answers("long-label 1000000", 200, "…invalid argument: value: 1000000 bytes are too many"),
        Row::answers("long-key 1000000", 200, "…invalid argument: key: 1000000 bytes"),
        Row::fails(
            "large-body 2000000",
            "bad-output",
            "…a body of 2000000 bytes is too long: the route allows 1048576",
        ),
        Row::fails("large-body 5000000", "bad-output", "…5000000 bytes handed over are too many"),
        Row::fails("respond 200 5000000", "bad-output", "respond.body: 5000000 bytes handed over are too many"),
        Row::fails("respond 200 20000000", "trap", TOO_MUCH),
        Row::fails("respond 200 67108864", "memory", "asked for more than 67108864 bytes of memory"),
        Row::fails("headers 9000", "bad-output", "edits: 9003 headers are too many").within(roomy.clone()),
        Row::fails("respond 200 67108864", "trap", TOO_MUCH).within(roomy),
    ];
    arena.run("hostile", &rows).await;
    arena.bring("lists", made::written("lists")).await;
    let by = |length: usize| Row::fails("", "trap", TOO_MUCH).with_body(vec![b'x'; length]);
    arena.run("lists", &[by(0), by(1)]).await;
    arena.close().await;
}

/// As much as any attachment may be allowed: 64 MiB in one answer.
#[tokio::test(flavor = "multi_thread")]
async fn the_largest_answer_is_an_answer() {
    let arena = Arena::with_hostile().await;
    let most = json!({"output_bytes": 64 << 20, "memory_bytes": 256 << 20});
    arena
        .run(
            "hostile",
            &[
                Row::answers("respond 200 67108864", 200, "x".repeat(64 << 20)).within(most.clone()),
                Row::fails(
                    "respond 200 67108865",
                    "bad-output",
                    "respond.body: 67108865 bytes handed over are too many",
                )
                .within(most.clone()),
                Row::fails("respond 200 140000000", "trap", TOO_MUCH).within(most),
            ],
        )
        .await;
    arena.close_within(700 << 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_has_an_end() {
    let arena = Arena::with_hostile().await;
    let edits = json!({"edits": 10_000});
    let brackets = "[".repeat(1 << 20);
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 19));
    let rows = [
        Row::answers("deep-pointer 128", 200, ""),
        Row::fails("deep-pointer 129", "bad-output", "…` leads deeper than 128 levels"),
        Row::fails("deep-pointer 100000", "bad-output", "…` leads deeper than 128 levels"),
        Row::fails("deep-value 200", "bad-output", "…is nested too deep"),
        Row::fails("deep-value 1000000", "bad-output", "…is nested too deep"),
        Row::fails("deep-edits 200", "bad-output", "edits[127] (set json /a"),
        Row::fails("json-edits 10000", "bad-output", "…too many JSON edits of a body this long").within(edits),
        Row::fails("json-edits 1000", "bad-output", "…too many JSON edits of a body this long").with_body(long),
        Row::answers("json-read", 200, "…invalid argument: not JSON: it is nested too deep")
            .with_body(brackets.clone()),
        Row::fails("json-edit", "bad-output", "…the body is not JSON: it is nested too deep").with_body(brackets),
    ];
    arena.run("hostile", &rows).await;
    arena.close().await;
}

/// Names and values of headers that would end one header and begin the next, or that say what only the host may say.
#[tokio::test(flavor = "multi_thread")]
async fn no_header_is_smuggled() {
    const CONTROL: [&[u8]; 7] = [b"\r\n", b"\r", b"\n", b"\0", b"\x0b", b"\x7f", b"\r\n\r\n{}"];
    const OF_THE_HOST: [&str; 18] = [
        "content-length",
        "Content-Length",
        "transfer-encoding",
        "TRANSFER-ENCODING",
        "connection",
        "keep-alive",
        "proxy-connection",
        "host",
        "upgrade",
        "te",
        "trailer",
        "expect",
        "via",
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "traceparent",
        "proxy-authorization",
    ];
    let mut wrong: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    for control in CONTROL {
        wrong.push((b"x-a".to_vec(), [b"1".as_slice(), control, b"x-smuggled: 1"].concat()));
        wrong.push(([b"x-a".as_slice(), control, b"x-smuggled"].concat(), b"1".to_vec()));
    }
    for name in ["", " ", "x a", "x-a:", ":path", ":status", "x-\u{e9}", "x-a\u{2028}", "(x)"] {
        wrong.push((name.into(), b"1".to_vec()));
    }
    wrong.extend(OF_THE_HOST.map(|name| (name.into(), b"1".to_vec())));
    let mut rows = Vec::new();
    for (name, value) in wrong {
        let hex = |bytes: &[u8]| if bytes.is_empty() { "-".to_owned() } else { hex::encode(bytes) };
        let header = format!("{} {}", hex(&name), hex(&value));
        for (way, place) in [
            ("set-header", "edits[1] ("),
            ("append-header", "edits[1] ("),
            ("respond-header", "respond.headers[1] ("),
            ("reject-header", "reject.headers[1] ("),
        ] {
            rows.push(Row::fails(format!("{way} {header}"), "bad-output", place));
        }
        // Beside a verdict, and refused at once.
        rows.push(Row::answers(format!("say-header {header}"), 200, "…invalid argument: headers[1] ("));
        if !value.contains(&b':') {
            rows.push(Row::fails(format!("remove-header {header}"), "bad-output", "edits[1] ("));
        }
    }
    let arena = Arena::with_hostile().await;
    arena.run("hostile", &rows).await;
    arena.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_status_is_made_up() {
    let mut rows = Vec::new();
    for status in [0, 1, 99, 100, 101, 103, 199, 600, 999, 1000, 65_535] {
        rows.push(Row::fails(format!("respond {status} 0"), "bad-output", "respond.status: "));
        rows.push(Row::answers(format!("say {status} 0"), 200, "…invalid argument: status: "));
    }
    for status in [0, 99, 101, 200, 204, 304, 399, 600, 65_535] {
        rows.push(Row::fails(format!("reject {status}"), "bad-output", "reject.status: "));
    }
    for status in [204, 205, 304] {
        rows.push(Row::fails(format!("respond {status} 1"), "bad-output", "respond.body: an answer with status "));
        rows.push(Row::answers(format!("say {status} 1"), 200, "…invalid argument: body: an answer with status "));
        rows.push(Row::answers(format!("respond {status} 0"), status, ""));
    }
    let arena = Arena::with_hostile().await;
    arena.run("hostile", &rows).await;
    arena.close().await;
}

/// Bytes and numbers that stand for nothing: no text, no place, no case, no handle.
#[tokio::test(flavor = "multi_thread")]
async fn no_value_is_taken_on_trust() {
    let arena = Arena::open().await;
    let row = |(length, detail)| Row::fails("", "trap", detail).with_body(vec![b'x'; length]);
    arena.bring("text", made::written("text")).await;
    let places: Vec<Row> =
        ["invalid utf-8 sequence of 1 bytes from index 5"; 7].into_iter().enumerate().map(row).collect();
    arena.run("text", &places).await;
    arena.bring("wide", made::wide()).await;
    arena.run("wide", &[Row::fails("", "trap", "unpaired surrogate found: d800")]).await;
    arena.bring("values", made::written("values")).await;
    let values = [
        "pointer out of bounds of memory",
        "return pointer not aligned",
        "invalid expected discriminant",
        "unexpected discriminant: 7",
        "unexpected discriminant: 11",
        "list pointer/length out of bounds of memory",
        "list pointer/length out of bounds of memory",
        "string pointer/length out of bounds of memory",
        "unknown handle index 1",
        "unknown handle index 1",
        "unknown handle index 77",
        "unknown handle index 1",
        "unknown handle index 1",
        "borrow handles still remain at the end of the call",
        "unexpected discriminant: 9",
        "handle index 1 used with the wrong type",
    ];
    arena.run("values", &values.into_iter().enumerate().map(row).collect::<Vec<_>>()).await;
    arena.close().await;
}
