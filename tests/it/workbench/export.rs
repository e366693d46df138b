//! `snaphook event export`: what came in goes out again as it came.

use bytes::Bytes;
use http::{HeaderValue, Request};
use http_body_util::Full;
use serde_json::{Value, json};

use super::Bench;
use crate::support::{Destination, Platform, Program, eventually};

fn on(platform: &Platform, bench: &Bench, arguments: &[&str]) -> Program {
    bench
        .program(arguments)
        .env("SNAPHOOK_ADMIN", format!("http://{}", platform.admin()))
        .env("SNAPHOOK_TOKEN", platform.token())
}

/// Sends an event whose body and one of whose headers are no text, and returns its id.
async fn send_bytes(platform: &Platform, body: &'static [u8]) -> String {
    let mut request = Request::post(format!("http://{}/hook?a=%20b", platform.gateway()));
    let headers = request.headers_mut().unwrap();
    headers.append("x-bytes", HeaderValue::from_bytes(b"\xff\x80").unwrap());
    headers.append("x-bytes", HeaderValue::from_static("second"));
    headers.append("x-utf8", HeaderValue::from_bytes("\u{e9}".as_bytes()).unwrap());
    let answer = platform.ask(request.body(Full::new(Bytes::from_static(body))).unwrap()).await;
    answer.expect(200).event().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_text_come_back_as_they_were() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    let spec = json!({
        "match": {"path": "/hook"}, "forward": {"candidates": ["ci"]}, "filters": [platform.told()], "capture": "all",
    });
    platform.put_route("hooks", spec).await;
    let body = b"\x00\xff\xfe{\"a\":1}\r\n";
    let event = send_bytes(&platform, body).await;
    let bench = Bench::new();
    let exported = eventually("the event's file", async || {
        let ended = on(&platform, &bench, &["event", "export", &event, "--to", "event.json"]).run().await;
        ended.status.success().then_some(ended)
    });
    assert_eq!(exported.await.output, "event.json\n1 event written\n");
    let file: Value = serde_json::from_str(&bench.read("event.json")).unwrap();
    assert_eq!((&file["method"], &file["path"], &file["query"]), (&json!("POST"), &json!("/hook"), &json!("a=%20b")));
    let values = |name: &str| -> Vec<Value> {
        let headers = file["headers"].as_array().unwrap().iter();
        headers.filter(|header| header[0] == name).map(|header| header[1].clone()).collect()
    };
    assert_eq!(values("x-bytes"), [json!({"base64": "/4A="}), json!("second")]);
    assert_eq!((values("x-utf8"), values("content-length")), (vec![json!("\u{e9}")], Vec::new()));

    // Sent from the file, the destination gets what it got before.
    on(&platform, &bench, &["send", "event.json", "--expect", "200"]).printed().await;
    let [first, again]: [_; 2] = destination.received().try_into().unwrap();
    for received in [&first, &again] {
        assert_eq!(received.body, body);
        assert_eq!(received.target, "/hook?a=%20b");
        assert_eq!(received.values("x-bytes"), [b"\xff\x80".as_slice(), b"second"]);
        assert_eq!(received.values("x-utf8"), ["\u{e9}".as_bytes()]);
    }
    // And what is there is not written over.
    let ended = on(&platform, &bench, &["event", "export", &event, "--to", "event.json"]).run().await;
    assert_eq!(ended.status.code(), Some(2));
    assert_eq!(ended.errors, "error: `event.json` is there already: name another file\n");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_go_into_a_folder() {
    let destination = Destination::ok().await;
    let platform = Platform::start().await;
    platform.destination("ci", &destination).await;
    let route = |path: &str, capture: &str| json!({"match": {"path": path}, "forward": {"candidates": ["ci"]}, "capture": capture, "filters": []});
    platform.put_route("kept", route("/kept", "all")).await;
    platform.put_route("lost", route("/lost", "none")).await;
    let json = [("content-type", "application/json")];
    let kept = platform.post("/kept", &json, "{\"n\":1}").await.expect(200).event().to_owned();
    let lost = platform.post("/lost", &[], "x").await.expect(200).event().to_owned();
    let bench = Bench::new();
    eventually("both events in the list", async || (platform.records("").await.len() == 2).then_some(())).await;
    // Captured events are written behind the answer.
    let exported = eventually("the event that is kept", async || {
        let ended = on(&platform, &bench, &["event", "export", "--to", "events", "--since", "1h"]).run().await;
        ended.status.success().then_some(ended)
    });
    let exported = exported.await;
    let gone = format!(
        "{lost}: the request of event `{lost}` is not kept: say `capture = \"all\"` (or `\"failures\"`) on route `lost`, and have it sent again\n"
    );
    assert!(exported.output.contains(&gone) && exported.output.ends_with("\n1 event written\n"), "{}", exported.output);
    // No filter looked at it, so it went by.
    let note = format!("the body of {kept} was not read on its route, and is not in `events/{kept}.json`\n");
    assert_eq!(exported.errors, note);
    let again =
        on(&platform, &bench, &["event", "export", "--to", "events", "--route", "kept", "--json"]).printed().await;
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!(again["items"][0]["became"], "left", "{again}");
    let one = on(&platform, &bench, &["event", "export", &lost, "--to", "one.json"]).run().await;
    assert_eq!(one.status.code(), Some(3), "{one:#?}");
    platform.stop().await;
}
