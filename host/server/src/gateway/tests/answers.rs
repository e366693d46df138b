//! What a sender gets of an answer, and what it gets if there is none.

use super::*;

#[tokio::test]
async fn an_answer_comes_back_as_it_was_given() {
    let address = upstream(async |request: Request<Incoming>| {
        assert_eq!(request.uri().path(), "/teapot");
        let mut answer = whole(&b"\x00\xffbody"[..]);
        *answer.status_mut() = StatusCode::IM_A_TEAPOT;
        for (name, value) in [
            ("set-cookie", "a=1"),
            ("x-one", "1"),
            ("set-cookie", "b=2"),
            ("connection", "x-hop"),
            ("x-hop", "1"),
            ("snaphook-event", "forged"),
        ] {
            answer.headers_mut().append(name, value.parse().unwrap());
        }
        answer
    })
    .await;
    let host = Host::to(address).await;
    let reply = host.connect().await.ask("GET /teapot HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!((reply.status, &reply.body[..]), (418, &b"\x00\xffbody"[..]));
    let cookies: Vec<_> = reply.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    assert!(!reply.headers.contains_key("x-hop") && !reply.headers.contains_key("connection"));
    assert_eq!(reply.headers.get_all("snaphook-event").iter().count(), 1);
    assert!(reply.headers["snaphook-event"].to_str().unwrap().starts_with("evt_"));
    let record = &host.records()[0];
    assert_eq!((record.disposition, record.status), (Disposition::Forwarded, 418));
}

#[tokio::test]
async fn head_is_answered_without_a_body_and_with_its_length() {
    let address = upstream(async |request: Request<Incoming>| {
        assert_eq!(request.method(), "HEAD");
        let mut answer = whole("");
        answer.headers_mut().insert("content-length", "1234".parse().unwrap());
        answer
    })
    .await;
    let host = Host::to(address).await;
    let mut sender = host.connect().await;
    sender.write("HEAD / HTTP/1.1\r\nhost: a\r\n\r\nHEAD / HTTP/1.1\r\n\r\n").await;
    let reply = sender.reply_of(true).await;
    assert_eq!((reply.status, &reply.headers["content-length"]), (200, &"1234".parse().unwrap()));
    // An own answer: the second request has no Host.
    let own = sender.reply_of(true).await;
    assert_eq!(own.status, 400);
    assert_ne!(own.headers["content-length"], "0");
    let next = sender.ask("GET / HTTP/1.0\r\n\r\n");
    // The destination asserts that it is asked with HEAD alone, so that its connection breaks here.
    let broken = next.await.status;
    assert!(
        [502, 504].contains(&broken),
        "{broken}, and a machine that is busy writes the panic down until the time is up"
    );
}

async fn failing(to: &str) -> (Reply, Record) {
    let host = Host::start(Settings::default(), vec![served("all", to, json!({}))]).await;
    let reply = host.connect().await.ask(post("/", "{}")).await;
    let record = host.records().remove(0);
    assert_eq!((record.disposition, record.status), (Disposition::Failed, reply.status));
    (reply, record)
}

#[tokio::test]
async fn a_destination_that_fails_is_told_without_inside_detail() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let silent = upstream(|_| std::future::pending::<Answer>()).await;
    let garbage = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nonsense = garbage.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = garbage.accept().await {
            tcp.write_all(b"no http at all\r\n\r\n").await.unwrap();
        }
    });
    for (to, status, reason) in [
        (format!("http://{closed}"), 503, "connect"),
        (format!("http://{silent}"), 504, "in time"),
        (format!("http://{nonsense}"), 502, "not HTTP"),
        ("http://127.0.0.2:9".to_owned(), 502, "denied"),
    ] {
        let (reply, record) = failing(&to).await;
        let problem = reply.problem();
        assert_eq!(reply.status, status, "{to}");
        assert!(!problem.to_string().contains("127.0.0"), "{problem}");
        assert!(record.reason.as_ref().unwrap().contains(reason), "{:?}", record.reason);
    }
}

#[tokio::test]
async fn requests_are_captured_as_the_route_says() {
    let (address, _received) = told().await;
    let up = format!("http://{address}");
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let captures = |path: &str, when: &str| json!({ "match": { "path": path }, "capture": when });
    let routes = vec![
        served("all", &up, captures("/all", "all")),
        served("failures", &up, captures("/failures", "failures")),
        served("failing", &format!("http://{closed}"), captures("/failing", "failures")),
        served("none", &up, captures("/none", "none")),
    ];
    let host = Host::start(Settings::default(), routes).await;
    let mut sender = host.connect().await;
    for (path, captured) in [("/all?q=1", true), ("/failures", false), ("/failing", true), ("/none", false)] {
        sender.ask(format!("GET {path} HTTP/1.1\r\nhost: a\r\nx-one: 1\r\n\r\n")).await;
        let capture = host.records().remove(0).capture;
        assert_eq!(capture.is_some(), captured, "{path}");
        if let Some(capture) = capture {
            assert!(!capture.authenticated);
            assert!(capture.headers.contains(&("x-one".to_owned(), "1".to_owned())));
            assert_eq!(capture.query.as_deref(), path.split_once('?').map(|(_, query)| query));
        }
    }
}
