//! Uploads that mean harm: each is refused with 422 or is a filter like any other, and compiling it holds nobody up.

use std::time::Instant;

use http::Method;
use serde_json::json;

use super::{Arena, made};
use crate::support::{Wire, component, guest};

/// Uploads one after the other; `said` is the beginning of the refusal, or empty if it is a filter.
async fn uploads(arena: &Arena, rows: Vec<(&str, Vec<u8>, &str)>) {
    for (what, bytes, said) in rows {
        let (served, length, start) = (arena.neighbour().served(), bytes.len(), Instant::now());
        let answer = arena.api.upload("bad", bytes).await;
        println!("{what}: {length} bytes, {} after {:?}", answer.status, start.elapsed());
        if said.is_empty() {
            answer.expect(201);
            arena.attach(json!([{"module": "bad"}])).await.expect(200);
            arena.tell("", "").await.expect(200);
        } else {
            let faults = answer.faults(422);
            let fits = said.strip_prefix('…').map_or(faults.starts_with(said), |part| faults.contains(part));
            assert!(fits, "{what}: {faults}\nand not {said}");
        }
        arena.neighbour().is_served_after(served).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_wrong_shape() {
    const INVALID: &str = "the component is not valid: ";
    const EXPORTS: &str = "the component's exports do not fit world `snaphook:filter/filter@0.1.0`: ";
    const IMPORTS: &str = "the component's imports do not fit what this host offers: ";
    let arena = Arena::open().await;
    let handler = |functions: &str| {
        made::dummy(&format!(
            "package snaphook:other; world guest {{ export snaphook:wrong/handler@0.1.0; }}
             package snaphook:wrong@0.1.0 {{ interface handler {{ {functions} }} }}"
        ))
    };
    drop(handler);
    uploads(
        &arena,
        vec![
            ("a core module", component("(module)"), "this is a core module, not a component"),
            ("a core module with everything", component("(module (memory 1) (func (export \"handle\")))"), "this is a core module"),
            ("nested deep", made::nested(1_000), INVALID),
            ("very deep", made::nested(100_000), INVALID),
            ("beside each other", made::beside(1_000), "the component does not export"),
            ("too many beside each other", made::beside(1_001), INVALID),
            ("spins when uploaded", guest("hello"), ""),
        ],
    )
    .await;
    let _ = (EXPORTS, IMPORTS);
    arena.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_for_the_compiler() {
    let arena = Arena::open().await;
    let start = Instant::now();
    let made = vec![
        ("50 000 functions", made::functions(50_000), ""),
        ("blocks", made::blocks(1 << 18), ""),
        ("a table of branches", made::branches(1000, 500_000), ""),
        ("locals", made::locals(10, 5_000), ""),
    ];
    println!("made in {:?}", start.elapsed());
    uploads(&arena, made).await;
    arena.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_large_or_without_end() {
    let arena = Arena::open().await;
    let head = format!(
        "host: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/wasm",
        arena.token()
    );
    let post = "POST /v1/projects/default/modules/bad HTTP/1.1";
    // Stops in the middle, and keeps its place for half a minute.
    let mut never = Wire::to(arena.admin()).await;
    never.write(format!("{post}\r\n{head}\r\ncontent-length: 1000000\r\n\r\n\0asm")).await;
    // 200 MB, said and not said before.
    let mut said = Wire::to(arena.admin()).await;
    said.write(format!("{post}\r\n{head}\r\ncontent-length: 200000000\r\n\r\n")).await;
    said.try_write(vec![0; 1 << 20]).await;
    assert_eq!(said.answer().await.faults(413), "the body is longer than 67108864 bytes");
    let mut unsaid = Wire::to(arena.admin()).await;
    unsaid.write(format!("{post}\r\n{head}\r\ntransfer-encoding: chunked\r\n\r\n")).await;
    let chunk = [b"100000\r\n".as_slice(), &vec![0; 1 << 20], b"\r\n"].concat();
    for _ in 0..190 {
        unsaid.try_write(&chunk).await;
    }
    assert_eq!(unsaid.answer().await.faults(413), "the body is longer than 67108864 bytes");
    arena.bring("hello", guest("hello")).await;
    assert_eq!(never.answer().await.faults(408), "nothing more of the body came for 30 s");
    let _ = Method::POST;
    arena.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn explore() {
    let arena = Arena::open().await;
    std::fs::write("/tmp/bomb.wasm", made::blocks(1 << 16)).unwrap();
    std::fs::write("/tmp/bomb2.wasm", made::blocks(1 << 20)).unwrap();
    let bytes = made::blocks(1 << 16);
    let never = arena.api.upload("bad", bytes);
    let pid = arena.process();
    let stop = async {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let start = Instant::now();
        println!("EXPLORE kill {:?}", std::process::Command::new("kill").arg("-TERM").arg(pid.to_string()).status());
        for _ in 0..120 {
            let there = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            if there.is_empty() || there.contains("(zombie)") { println!("EXPLORE ended after {:?}", start.elapsed()); break }
            tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        }
    };
    tokio::join!(async { let answer = tokio::spawn(async move {  }); let _ = answer.await; let answer = never.await; println!("EXPLORE {}", answer.status) }, stop);
    arena.close_within(8 << 30).await;
}
