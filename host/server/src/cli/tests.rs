//! The command line as a whole: what it takes, what it refuses, what its help says.

use clap::{CommandFactory as _, Parser as _, error::ErrorKind};

use super::{Cli, failure::EXIT_CODES};

fn refused(arguments: &[&str]) -> (ErrorKind, String) {
    let arguments = ["snaphook"].iter().chain(arguments);
    let error = Cli::try_parse_from(arguments).unwrap_err();
    (error.kind(), error.to_string())
}

fn help(arguments: &[&str]) -> String {
    let (kind, text) = refused(arguments);
    assert_eq!(kind, ErrorKind::DisplayHelp, "{text}");
    text
}

#[test]
fn the_command_line_is_well_made() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_says_what_it_is_for() {
    fn walk(command: &clap::Command) {
        assert!(command.get_about().is_some(), "`{}` has no description", command.get_name());
        for argument in command.get_arguments() {
            assert!(
                argument.get_help().is_some(),
                "`{}` of `{}` has no description",
                argument.get_id(),
                command.get_name()
            );
        }
        command.get_subcommands().for_each(walk);
    }
    walk(&Cli::command());
}

#[test]
fn exit_codes_are_in_the_help() {
    assert!(help(&["help", "exit-codes"]).contains(EXIT_CODES));
    assert!(help(&["--help"]).ends_with(&format!("{EXIT_CODES}\n")));
}

#[test]
fn the_help_of_serve_lists_the_settings() {
    let text = help(&["serve", "--help"]);
    assert!(text.contains("\n  gateway.listen  [SNAPHOOK_GATEWAY_LISTEN]\n"), "{text}");
    assert!(text.contains("(default: 127.0.0.1:8080)"), "{text}");
}

#[test]
fn what_people_type_is_understood() {
    for line in [
        "serve --set gateway.listen=127.0.0.1:0 --set admin.listen=127.0.0.1:0",
        "--config snaphook.toml serve",
        "serve --config snaphook.toml",
        "module push verify verify.wasm",
        "module push verify.wasm",
        "module list",
        "module show verify@stable",
        "module rm verify@3",
        "module alias verify@stable 3",
        "module alias verify@stable --rm",
        "attach github verify@3 --name check --grant secrets.webhook=github --grant kv=seen --position 0 --limit time_ms=20",
        "detach github check",
        "secret set github --env WEBHOOK --keep-previous",
        "destination set ci https://ci.example.com/ --append-path",
        "route apply route.toml --dry-run",
        "route test github --event push.json",
        "apply all.toml --prune",
        "event tail --route github --json",
        "event list --limit 5 --became rejected",
        "send push.json --to http://127.0.0.1:8080/github --provider github --secret-env WEBHOOK --tamper --expect 401",
        "test verify.wasm --event push.json --secret webhook=text:x --sign webhook --kv seen --expect reject",
        "--project billing project create billing",
        "build -- --features x",
        "test --bless --runs 3",
        "test verify.wasm --cases cases/push.toml",
        "module inspect verify.wasm --json",
        "event export evt_01M8CM0VHN141NXQ5WRB2QJ102 --to push.json",
        "event export --to events --route github --since 1h --limit 5",
        "dev filter --data kept --set gateway.listen=127.0.0.1:0 --secret webhook=text:x --limit time_ms=20",
        "listen 127.0.0.1:9900 --status 503",
        "completions bash",
    ] {
        let parsed = Cli::try_parse_from(["snaphook"].into_iter().chain(line.split(' ')));
        assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
    }
}

#[test]
fn what_is_wrong_is_refused_before_anything_is_done() {
    assert_eq!(refused(&["secret", "set", "github", "--value", "hush"]).0, ErrorKind::UnknownArgument);
    assert_eq!(refused(&["secret", "set", "github", "hush"]).0, ErrorKind::UnknownArgument);
    assert_eq!(refused(&["secret", "set", "a", "--env", "A", "--value-file", "f"]).0, ErrorKind::ArgumentConflict);
    assert_eq!(refused(&["test", "x.wasm", "--event", "e", "--expect", "maybe"]).0, ErrorKind::InvalidValue);
    let both = ["test", "x.wasm", "--cases", "c", "--event", "e"];
    assert_eq!(refused(&both).0, ErrorKind::ArgumentConflict);
    let both = ["event", "export", "evt_01M8CM0VHN141NXQ5WRB2QJ102", "--route", "a", "--to", "e"];
    assert_eq!(refused(&both).0, ErrorKind::ArgumentConflict);
    for (line, said) in [
        (
            "route show Route",
            "`Route` is not a name: 1 to 63 of a-z, 0-9, `-`, `_` and `.`, beginning with a letter or digit",
        ),
        ("module show sha256:ab", "`sha256:ab` is no digest, which is `sha256:` and 64 hexadecimal digits"),
        ("attach github verify@", "`verify@` names no version: write a number after `@`, such as `@3`"),
        ("serve --set gateway", "`gateway` has no `=`: write it like NAME=VALUE"),
        ("event list --became gone", "unknown variant `gone`, expected one of `forwarded`, `accepted`, "),
        ("new Filter", "`Filter` is not a name"),
    ] {
        let (kind, text) = refused(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(kind, ErrorKind::ValueValidation, "{line}: {text}");
        assert!(text.contains(said), "{line}: {text}");
    }
}

#[test]
fn settings_and_configurations_are_told_apart() {
    let line = ["snaphook", "--config", "host.toml", "attach", "github", "verify", "--config", "{}"];
    let Cli { global, command } = Cli::try_parse_from(line).unwrap();
    assert_eq!(global.config.as_deref(), Some(std::path::Path::new("host.toml")));
    assert!(format!("{command:?}").contains("config: Some(\"{}\")"), "{command:?}");
}

#[test]
fn a_token_is_never_shown() {
    let cli = Cli::try_parse_from(["snaphook", "--token", "hush", "status"]).unwrap();
    assert!(!format!("{cli:?}").contains("hush"));
}
