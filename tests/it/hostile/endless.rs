//! What never ends: a component that never comes up, one that is never compiled, one that never arrives. Nobody else waits
//! for it.

use serde_json::json;

use super::{Arena, made};
use crate::support::{Wire, eventually, guest};

/// A component that never comes up holds up who uploads it, and no other upload.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_does_not_end_is_refused() {
    let arena = Arena::open().await;
    let never = arena.api.upload("start", made::written("start"));
    let meanwhile = async {
        for name in ["configure", "recursion"] {
            arena.bring(name, made::written(name)).await;
        }
        // What misbehaves while it is configured is not attached.
        for (way, said) in [
            (1, "the filter failed to check its configuration (time): computed longer than 300ms"),
            (11, "the filter failed to check its configuration (memory): asked for more than 67108864 bytes"),
            (111, "the filter failed to check its configuration (trap): "),
            (1111, "the filter failed to check its configuration (trap): "),
        ] {
            let filter =
                json!({"module": "configure", "config": {"way": way}, "limits": {"time_ms": 300, "wall_ms": 30_000}});
            let faults = arena.attach(json!([filter])).await.faults(422);
            assert!(faults.starts_with(&format!("routes.evil.filters[0].config: {said}")), "{way}: {faults}");
        }
    };
    let (refused, ()) = tokio::join!(never, meanwhile);
    assert_eq!(
        refused.faults(422),
        "the component does not come up under the default limits (time): computed longer than 10s"
    );
    arena.api.get("/modules/start").await.expect(404);
    arena.close().await;
}

/// The compiler works on it for as long as the host lets it. Meanwhile everything but another upload goes on, and a host that
/// is told to stop does not wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_compilation_that_does_not_end_holds_nobody_up() {
    let arena = Arena::open().await;
    arena.bring("attributes", made::written("attributes")).await;
    let bomb = made::blocks(350_000);
    let head = format!("content-type: application/wasm\r\ncontent-length: {}\r\n\r\n", bomb.len());
    let mut wire = begun(&arena, &head).await;
    wire.write(&bomb).await;
    let process = eventually("a compiler at work", async || compilers(&arena).first().copied()).await;
    let served = arena.neighbour().served();
    arena.attach(json!([{"module": "attributes"}])).await.expect(200);
    arena.tell("", "").await.expect(200);
    arena.neighbour().is_served_after(served + 20).await;
    assert_eq!(compilers(&arena), [process], "the compiler still works on it");
    arena.stops().await;
    let gone = async || (!std::fs::exists(format!("/proc/{process}")).unwrap()).then_some(());
    eventually("the compiler's end", gone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_does_not_end_is_refused() {
    let arena = Arena::open().await;
    // Stops in the middle, and keeps its place until it has been silent for half a minute.
    let mut never = begun(&arena, "content-type: application/wasm\r\ncontent-length: 1000000\r\n\r\n\0asm").await;
    // 200 MB, said and not said before.
    let mut said = begun(&arena, "content-type: application/wasm\r\ncontent-length: 200000000\r\n\r\n").await;
    said.try_write(vec![0; 1 << 20]).await;
    assert_eq!(said.answer().await.faults(413), "the body is longer than 67108864 bytes");
    let mut unsaid = begun(&arena, "content-type: application/wasm\r\ntransfer-encoding: chunked\r\n\r\n").await;
    let chunk = [b"100000\r\n".as_slice(), &vec![0; 1 << 20], b"\r\n"].concat();
    for _ in 0..190 {
        unsaid.try_write(&chunk).await;
    }
    assert_eq!(unsaid.answer().await.faults(413), "the body is longer than 67108864 bytes");
    // As large as it may be, and nothing.
    let zeros = arena.api.upload("bad", vec![0; 64 << 20]).await;
    assert!(zeros.faults(422).starts_with("this is no WebAssembly"));
    arena.bring("hello", guest("hello")).await;
    assert_eq!(never.answer().await.faults(408), "nothing more of the body came for 30 s");
    arena.close().await;
}

async fn begun(arena: &Arena, rest: &str) -> Wire {
    let mut wire = Wire::to(arena.admin()).await;
    let token = arena.token();
    let head =
        format!("POST /v1/projects/default/modules/bad HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}");
    wire.write(format!("{head}\r\n{rest}")).await;
    wire
}

/// Processes that the host started to compile.
fn compilers(arena: &Arena) -> Vec<u32> {
    let host = arena.process();
    let mut found: Vec<u32> = Vec::new();
    for thread in std::fs::read_dir(format!("/proc/{host}/task")).unwrap().flatten() {
        let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        found.extend(children.split_whitespace().filter_map(|process| process.parse::<u32>().ok()));
    }
    found
}
