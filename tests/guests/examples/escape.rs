//! Tries to reach what a filter must not have, by the standard library: environment, arguments, files, network, standard
//! input, time. Answers with what it got.

use std::{env, fs, io::Read, net::TcpStream, time::SystemTime};

use snaphook_sdk::{
    json::{Value, json},
    prelude::*,
};

struct Escape;

impl Filter for Escape {
    type Config = ();

    fn handle(event: &Event, _config: &()) -> Result<Verdict> {
        let address = event.header("x-connect").unwrap_or("127.0.0.1:80").to_owned();
        let mut input = Vec::new();
        let found = json!({
            "environment": env::vars().count(),
            "arguments": env::args().count(),
            "directory": told(env::current_dir().and_then(fs::read_dir).map(Iterator::count)),
            "read": told(fs::read("/etc/passwd").map(|bytes| bytes.len())),
            "write": told(fs::write("/tmp/escaped", "x")),
            "connect": told(TcpStream::connect(address).map(|_| true)),
            "input": told(std::io::stdin().read_to_end(&mut input)),
            "time": SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).is_ok(),
        });
        Ok(Verdict::respond(200).header("content-type", "application/json").body(found.to_string()))
    }
}

fn told<T: serde::Serialize>(result: std::io::Result<T>) -> Value {
    match result {
        Ok(value) => json!({"ok": value}),
        Err(error) => json!({"error": error.to_string()}),
    }
}

snaphook_sdk::export!(Escape, body: none);
