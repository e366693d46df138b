//! Settings of the process that are wrong: the host does not start, and says everything that is wrong.

use tempfile::TempDir;

use crate::support::{Program, snaphook};

async fn refused(file: &str, environment: &[(&str, &str)], set: &[&str]) -> String {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("snaphook.toml"), file).unwrap();
    let mut program = Program::new(snaphook()).folder(folder.path()).args(["serve"]);
    program = program.args(set.iter().flat_map(|set| ["--set", set]));
    for (name, value) in environment {
        program = program.env(name, value);
    }
    let ended = program.run().await;
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    assert_eq!(ended.output, "");
    ended.errors
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_keys_are_refused() {
    let said = refused("colour = 1\n[gateway]\nlisten = \"127.0.0.1:0\"\nlissen = 2\n", &[], &[]).await;
    let lines: Vec<&str> = said.lines().collect();
    let [colour, lissen] = lines[..] else { panic!("{said}") };
    let keys =
        "the keys are `data`, `[gateway]`, `[journal]`, `[deliveries]`, `[admin]`, `[filters]`, `[egress]`, `[log]`";
    assert_eq!(colour, format!("error: snaphook.toml:1: colour: unknown key; {keys}"));
    let keys = "the keys of [gateway] are `listen`, `trusted_proxies`, ";
    assert!(lissen.starts_with(&format!("snaphook.toml:4: gateway.lissen: unknown key; {keys}")), "{lissen}");
    let said = refused("", &[("SNAPHOOK_GATEWAY_LISSEN", "x")], &[]).await;
    assert_eq!(
        said,
        "error: SNAPHOOK_GATEWAY_LISSEN: is no setting of Snaphook: `snaphook serve --help` lists them all\n"
    );
    let said = refused("", &[], &["gateway.lissen=1"]).await;
    assert!(said.starts_with("error: --set gateway.lissen: unknown key; the keys of [gateway] are `listen`"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_said_with_file_line_and_key() {
    let file = "[gateway]\nlisten = \"localhost\"\n[filters]\ncalls = 0\n[egress]\nallow = [\"10.0.0.1/8\"]\n";
    let said = refused(file, &[("SNAPHOOK_LOG_FORMAT", "xml")], &["admin.listen=0.0.0.0:1"]).await;
    for line in [
        "snaphook.toml:2: gateway.listen: `localhost` is no address and port: ",
        "snaphook.toml:4: filters.calls: `0` is no whole number from 1 to 100000",
        "snaphook.toml:6: egress.allow[0]: `10.0.0.1/8` has bits set after its prefix; write `10.0.0.0/8`",
        "SNAPHOOK_LOG_FORMAT: `xml` is none of `text`, `json`",
        "--set admin.listen: `0.0.0.0:1` can be reached from elsewhere, and the admin API speaks plain HTTP: ",
    ] {
        assert!(said.contains(line), "{line}\nis not in\n{said}");
    }
    assert_eq!(said.lines().count(), 5, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_toml_is_refused_with_its_line() {
    let said = refused("[gateway]\nlisten = 127.0.0.1\n", &[], &[]).await;
    assert!(said.starts_with("error: snaphook.toml:2: "), "{said}");
}
