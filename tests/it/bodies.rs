//! Bodies arrive as they were sent, byte for byte, whether they are read before the filters are called or streamed.

use serde_json::json;

use crate::support::{Destination, Platform, told};

const LIMIT: usize = 1 << 20;

/// `/hook` reads bodies whole, because filter `told` may look at them; `/stream` and `/unread` let them pass by.
async fn platform(destination: &Destination) -> Platform {
    let platform = Platform::with_told(destination).await;
    platform.push("headers-only").await;
    platform.route("stream", "/stream", &["ci"], json!([])).await;
    platform.route("unread", "/unread", &["ci"], json!([{"name": "unread", "module": "headers-only"}])).await;
    platform
}

const WAYS: [&str; 3] = ["/hook", "/stream", "/unread"];

fn strange() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("empty", Vec::new()),
        ("one byte", b"x".to_vec()),
        ("no UTF-8", b"{\"a\": \"\xff\xfe\xc3\"}".to_vec()),
        ("escapes", br#"{"a": "\u00e9\ud83d\ude00\/", "b": 1.50, "a": 2}"#.to_vec()),
        ("line ends", b"a=1\r\n\r\n\r\nb=2\n\r".to_vec()),
        ("zero bytes", b"\0\0a\0".to_vec()),
        ("a chunk's frame", b"5\r\nhello\r\n0\r\n\r\n".to_vec()),
        ("every byte", (0..=255).cycle().take(100_000).collect()),
        ("the limit", vec![0xa5; LIMIT]),
    ]
}

fn chunked(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for piece in body.chunks(70_000) {
        bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn arrive_as_they_were_sent() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    for way in WAYS {
        for (kind, body) in strange() {
            platform.post(way, &[("content-type", "application/json")], body.clone()).await.expect(200);
            let received = destination.only();
            assert!(received.body == body, "{kind} on {way}");
            assert_eq!(received.header("content-length"), body.len().to_string(), "{kind} on {way}");
            assert_eq!(received.header("content-type"), "application/json");
            destination.forget();
        }
    }
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_chunks_arrive_as_they_were_sent() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    for way in WAYS {
        let mut wire = platform.wire().await;
        for (kind, body) in strange() {
            wire.write(format!("POST {way} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")).await;
            wire.write(chunked(&body)).await;
            wire.answer().await.expect(200);
            assert!(destination.only().body == body, "{kind} on {way}");
            destination.forget();
        }
    }
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_one_byte_too_many_are_refused() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    for way in WAYS {
        // Announced: refused before a byte of it was sent.
        let mut wire = platform.wire().await;
        wire.write(format!("POST {way} HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", LIMIT + 1)).await;
        let answer = wire.answer().await;
        assert_eq!(answer.refusal(413), "the body is larger than this route takes");
        assert_eq!(answer.header("connection"), "close");
        wire.closed().await;
        let record = platform.record(&answer).await;
        assert_eq!(record["reason"], "the body has more than 1048576 bytes, the route's limit");
        assert_eq!((&record["disposition"], &record["status"]), (&json!("rejected"), &json!(413)));
        assert_eq!(record["filters"], json!([]), "no filter is called for what is refused");

        // In chunks: refused when the byte comes.
        let mut wire = platform.wire().await;
        wire.write(format!("POST {way} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")).await;
        wire.try_write(chunked(&vec![b'x'; LIMIT + 1])).await;
        assert_eq!(wire.answer().await.refusal(413), "the body is larger than this route takes");
        wire.closed().await;
    }
    assert_eq!(destination.received(), []);
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn may_be_as_large_as_their_route_says() {
    let destination = Destination::ok().await;
    let platform = Platform::start().await;
    platform.destination("ci", &destination).await;
    let spec = |limit: u64| json!({"match": {"path": "/hook"}, "forward": {"candidates": ["ci"]}, "filters": [], "body_limit_bytes": limit});
    platform.put_route("hooks", spec(10)).await;
    platform.post("/hook", &[], "0123456789").await.expect(200);
    platform.post("/hook", &[], "0123456789x").await.expect(413);
    platform.put_route("hooks", spec(3 << 20)).await;
    platform.post("/hook", &[], vec![0; 3 << 20]).await.expect(200);
    assert_eq!(destination.received()[1].body.len(), 3 << 20);
    platform.stop().await;
}

/// What a filter hands over is the body from then on; what it does not is untouched, to the last space.
#[tokio::test(flavor = "multi_thread")]
async fn change_only_where_a_filter_changes_them() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    let body = "{ \"a\" :  1.50,\r\n\t\"\\u0062\": [1 , 2], \"keep\":\"\\u00e9\" }\n";
    let post = async |edits: serde_json::Value| {
        let (name, value) = told(&json!({"do": "edit", "edits": edits}));
        destination.forget();
        platform.post("/hook", &[(name, &value)], body).await.expect(200);
        destination.only().body
    };
    assert_eq!(post(json!([{"set-header": ["x-a", "1"]}])).await, body.as_bytes());
    assert_eq!(
        post(json!([{"json-set": ["/a", "[true]"]}])).await,
        b"{ \"a\" :  [true],\r\n\t\"\\u0062\": [1 , 2], \"keep\":\"\\u00e9\" }\n"
    );
    assert_eq!(
        post(json!([{"json-set": ["/b/-", "\"x\""]}])).await,
        b"{ \"a\" :  1.50,\r\n\t\"\\u0062\": [1 , 2,\"x\"], \"keep\":\"\\u00e9\" }\n"
    );
    assert_eq!(post(json!([{"replace-body": "\u{0}\u{ff}"}])).await, b"\0\xff");
    platform.stop().await;
}
