//! The settings, for the help of `snaphook serve`.

use std::fmt::Write;

use super::keys::KEYS;

/// All of them, in the order of the table.
pub(crate) fn help() -> String {
    let mut text = "Settings (in snaphook.toml, as environment variable, or with --set KEY=VALUE):\n".to_owned();
    for key in KEYS {
        let default = key.shown_default().replace('`', "");
        _ = write!(text, "\n  {}  [{}]\n      {} (default: {default})\n", key.name, key.variable(), key.meaning);
    }
    text.truncate(text.trim_end().len());
    text
}
