//! Settings: what is meant by what is typed, every fault at once, and the reference in step with the code.

use std::{fmt::Write as _, path::Path, time::Duration};

use super::{
    keys::{KEYS, Takes},
    raw::Sources,
    read,
};
use crate::{gateway, telemetry::Format, written::Source};

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn settings(file: &str, environment: &[(&str, &str)], typed: &[(&str, &str)]) -> Result<super::Settings, Vec<String>> {
    let (environment, typed) = (pairs(environment), pairs(typed));
    let file = Some(Source { name: "snaphook.toml", text: file });
    let sources = Sources { file, environment: &environment, typed: &typed };
    read(&sources, Path::new("/etc/snaphook"), Some(Path::new("/home/a/.local/share")))
        .map_err(|faults| faults.0.iter().map(ToString::to_string).collect())
}

#[test]
fn nothing_written_is_the_defaults() {
    let settings = settings("", &[], &[]).unwrap();
    assert_eq!(settings.data, Path::new("/home/a/.local/share/snaphook"));
    assert_eq!(settings.token_file(), Path::new("/home/a/.local/share/snaphook/admin-token"));
    assert_eq!(settings.gateway.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.gateway.limits, gateway::Settings::default());
    assert_eq!(settings.admin.listen.to_string(), "127.0.0.1:8081");
    assert_eq!((settings.log.format, settings.log.filter.as_str()), (Format::Text, "info"));
    let filters = filters::Settings::default();
    assert_eq!(settings.filters.calls_most, filters.calls_most);
    assert_eq!(settings.filters.calls_most_per_project, filters.calls_most_per_project);
    assert_eq!(settings.filters.modules_bytes, filters.modules_bytes);
}

#[test]
fn the_later_source_wins() {
    let file = r#"
        data = "kept"
        gateway = { listen = "127.0.0.1:1", head_timeout_ms = 250 }
        log.format = "json"
        admin.listen = "0.0.0.0:9"
        admin.allow_remote = true
        [filters]
        calls = 0x10
    "#;
    let environment = [("SNAPHOOK_GATEWAY_LISTEN", "127.0.0.1:2"), ("SNAPHOOK_FILTERS_CALLS", "17")];
    let environment = [environment.as_slice(), &[("SNAPHOOK_GATEWAY_TRUSTED_PROXIES", "10.0.0.0/8, ::1")]].concat();
    let settings = settings(file, &environment, &[("gateway.listen", "127.0.0.1:3")]).unwrap();
    assert_eq!(settings.data, Path::new("/etc/snaphook/kept"));
    assert_eq!(settings.gateway.listen.port(), 3);
    assert_eq!(settings.gateway.limits.header_read_timeout, Duration::from_millis(250));
    assert_eq!(settings.gateway.limits.trusted_proxies.len(), 2);
    assert_eq!(settings.filters.calls_most, 17);
    assert_eq!(settings.log.format, Format::Json);
    assert!(settings.admin.listen.ip().is_unspecified());
}

#[test]
fn every_fault_is_reported_at_once() {
    let file = r#"colour = "red"
gateway.listen = "localhost"
admin = { listen = "0.0.0.0:8081", names = ["a b"] }
[gateway.deep]
x = 1
[filters]
calls = 0
modules_bytes = "much"
[egress]
allow = ["10.0.0.0/8", "10.0.0.1/8"]
[log]
filter = "a=b=c"
format = "xml"
"#;
    let environment =
        [("SNAPHOOK_GATEWAY_CONECTIONS", "1"), ("SNAPHOOK_TOKEN", "t"), ("SNAPHOOK_FILTERS_CALLS_PER_PROJECT", "-1")];
    let faults = settings(file, &environment, &[("log.colour", "x")]).unwrap_err();
    let expected = [
        "snaphook.toml:1: colour: unknown key; the keys are `data`, `[gateway]`, `[journal]`, `[deliveries]`, `[admin]`, `[filters]`, `[egress]`, `[log]`",
        "snaphook.toml:4: gateway.deep: unknown key; the keys of [gateway] are `listen`, ",
        "SNAPHOOK_GATEWAY_CONECTIONS: is no setting of Snaphook: `snaphook serve --help` lists them all",
        "--set log.colour: unknown key; the keys of [log] are `format`, `filter`",
        "snaphook.toml:3: admin.listen: `0.0.0.0:8081` can be reached from elsewhere, and the admin API speaks plain HTTP: \
         listen on 127.0.0.1, or set `admin.allow_remote = true` if that is meant",
        "snaphook.toml:3: admin.names[0]: `a b` is no host name: ",
        "snaphook.toml:2: gateway.listen: `localhost` is no address and port: write it like `127.0.0.1:8080`, ",
        "snaphook.toml:7: filters.calls: `0` is no whole number from 1 to 100000",
        "SNAPHOOK_FILTERS_CALLS_PER_PROJECT: `-1` is no whole number from 1 to 100000",
        "snaphook.toml:8: filters.modules_bytes: `much` is no whole number from 0 to ",
        "snaphook.toml:10: egress.allow[1]: `10.0.0.1/8` has bits set after its prefix; write `10.0.0.0/8`",
        "snaphook.toml:12: log.filter: `a=b=c` is no filter: ",
        "snaphook.toml:13: log.format: `xml` is none of `text`, `json`",
    ];
    for expected in expected {
        assert!(
            faults.iter().any(|fault| fault.starts_with(expected)),
            "{expected}\nis not among\n{}",
            faults.join("\n")
        );
    }
    assert_eq!(faults.len(), expected.len(), "{}", faults.join("\n"));
}

#[test]
fn two_listeners_need_two_addresses() {
    let faults = settings("", &[], &[("admin.listen", "127.0.0.1:8080")]).unwrap_err();
    assert_eq!(faults, ["--set admin.listen: is the gateway's address too: choose another port"]);
    assert!(settings("", &[], &[("admin.listen", "127.0.0.1:0"), ("gateway.listen", "127.0.0.1:0")]).is_ok());
}

#[test]
fn the_help_names_every_key() {
    let help = super::reference::help();
    for key in KEYS {
        assert!(help.contains(&format!("  {}  [{}]\n", key.name, key.variable())), "{}", key.name);
    }
}

#[test]
fn the_reference_is_in_step() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference-settings.md");
    let reference = std::fs::read_to_string(&path).unwrap();
    assert!(reference.contains(&table()), "{} must contain\n\n{}", path.display(), table());
}

/// The table of the reference.
fn table() -> String {
    let mut text = "| key | takes | default | meaning | variable |\n|---|---|---|---|---|\n".to_owned();
    for key in KEYS {
        let takes = match key.takes {
            Takes::Folder => "folder".to_owned(),
            Takes::Address => "address and port".to_owned(),
            Takes::Flag => "`true` or `false`".to_owned(),
            Takes::Whole(least, most) => format!("{least} to {most}"),
            Takes::List => "list of texts".to_owned(),
            Takes::OneOf(choices) => format!("`{}`", choices.join("` or `")),
            Takes::Text => "text".to_owned(),
        };
        let default = match (key.default, key.shown_default()) {
            ("", shown) => shown.to_owned(),
            (_, shown) => format!("`{shown}`"),
        };
        _ = writeln!(text, "| `{}` | {takes} | {default} | {} | `{}` |", key.name, key.meaning, key.variable());
    }
    text
}
