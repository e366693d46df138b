//! How things are shown: tables for people, JSON for programs, and nothing of a stranger's that could steer a terminal.

use std::{borrow::Cow, fmt::Write as _, io, io::Write as _};

use clap::builder::styling::{AnsiColor, Style};
use comfy_table::{Table, presets};
use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use super::failure::{Exit, Failure};

pub(crate) const STRONG: Style = Style::new().bold();
pub(crate) const FAINT: Style = Style::new().dimmed();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
pub(crate) const ODD: Style = AnsiColor::Yellow.on_default();

/// Writes to standard output; colours are left out where no terminal shows them.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::new(Exit::OutputClosed, ""),
        _ => Failure::failed(format!("cannot write to standard output: {error}")),
    })
}

/// A line to standard error: what is being done, or what is odd.
pub(crate) fn note(text: &str) {
    // There is nowhere else to say that this cannot be written.
    _ = writeln!(anstream::stderr(), "{text}");
}

/// JSON for programs, indented.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    print(&format!("{}\n", json(value, serde_json::to_string_pretty)))
}

/// JSON for programs, one value on each line.
pub(crate) fn print_json_line(value: &impl Serialize) -> Result<(), Failure> {
    print(&format!("{}\n", json(value, serde_json::to_string)))
}

/// JSON leaves some control characters as they are; they can only stand in strings, where `\u` means the same.
fn json<T: Serialize>(value: &T, write: impl Fn(&T) -> serde_json::Result<String>) -> String {
    let text = write(value).expect("what the command line shows is JSON");
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => safe.push('\n'),
            steering if steers(steering) => _ = write!(safe, "\\u{:04x}", u32::from(steering)),
            plain => safe.push(plain),
        }
    }
    safe
}

/// A stranger's text on one line: whatever could steer a terminal is written as an escape.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if steers(character) { safe.extend(character.escape_default()) } else { safe.push(character) }
    }
    Cow::Owned(safe)
}

/// A stranger's text of several lines.
pub(crate) fn lines(text: &str) -> String {
    text.split('\n').map(|part| line(part.strip_suffix('\r').unwrap_or(part))).collect::<Vec<_>>().join("\n")
}

/// Control characters, and those that turn the direction of writing.
fn steers(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text in a style; what shows it leaves the style out where no terminal does.
pub(crate) fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Rows under a heading, in columns. Cells are made safe here.
pub(crate) fn table(heading: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(heading.iter().map(|name| name.to_uppercase()));
    for row in rows {
        table.add_row(row.iter().map(|cell| line(cell)));
    }
    table.column_iter_mut().for_each(|column| _ = column.set_padding((0, 2)));
    let text = table.trim_fmt();
    let (head, body) = text.split_once('\n').unwrap_or((&text, ""));
    let mut shown = styled(STRONG, head.trim_end());
    for row in body.lines() {
        _ = write!(shown, "\n{}", row.trim_end());
    }
    shown.push('\n');
    shown
}

/// Names and values below each other; a value of several lines keeps its column. Values are made safe here.
pub(crate) fn facts(facts: &[(&str, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for (name, value) in facts {
        for (index, part) in value.split('\n').enumerate() {
            let name = if index == 0 { name } else { "" };
            _ = writeln!(text, "{}  {}", styled(FAINT, &format!("{name:width$}")), line(part));
        }
    }
    text
}

/// What differs between two texts, with three lines around it; empty if nothing does. Made safe here.
pub(crate) fn diff(old: &str, new: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    let mut text = String::new();
    for (index, hunk) in diff.unified_diff().context_radius(3).iter_hunks().enumerate() {
        if index > 0 {
            _ = writeln!(text, "{}", styled(FAINT, "  …"));
        }
        for change in hunk.iter_changes() {
            let changed = line(change.value().trim_end_matches(['\n', '\r']));
            let shown = match change.tag() {
                ChangeTag::Equal => styled(FAINT, &format!("  {changed}")),
                ChangeTag::Delete => styled(BAD, &format!("- {changed}")),
                ChangeTag::Insert => styled(GOOD, &format!("+ {changed}")),
            };
            _ = writeln!(text, "{shown}");
        }
    }
    text
}

/// A line of a difference that the host made: `+ …`, `- …` or something around it.
pub(crate) fn diff_line(text: &str) -> String {
    let style = match text.as_bytes().first() {
        Some(b'+') => GOOD,
        Some(b'-') => BAD,
        _ => FAINT,
    };
    styled(style, &line(text))
}

/// Milliseconds since 1970 as a date, in UTC.
pub(crate) fn time(millis: u64) -> String {
    let time = i64::try_from(millis).ok().and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
    time.map_or_else(|| millis.to_string(), |time| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}

/// `1 event`, `2 events`.
pub(crate) fn count(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Bytes with a unit: `58.3 KiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    match bytes {
        0..=9_999 => format!("{bytes} B"),
        10_000..=10_238_976 => format!("{} KiB", tenths(bytes, 1 << 10)),
        _ => format!("{} MiB", tenths(bytes, 1 << 20)),
    }
}

/// Microseconds with a unit: `84 µs`, `12.5 ms`.
pub(crate) fn micros(micros: u64) -> String {
    match micros {
        0..=9_999 => format!("{micros} µs"),
        10_000..=9_999_999 => format!("{} ms", tenths(micros, 1_000)),
        _ => format!("{} s", tenths(micros, 1_000_000)),
    }
}

fn tenths(value: u64, unit: u64) -> String {
    let tenths = value.saturating_mul(10).saturating_add(unit / 2) / unit;
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(line("a\u{1b}[31mb\r\n\u{9b}2J\u{202e}é"), "a\\u{1b}[31mb\\r\\n\\u{9b}2J\\u{202e}é");
        assert_eq!(lines("one\r\ntwo\u{7}\n"), "one\ntwo\\u{7}\n");
        let shown = json(&"\u{1b}\u{9b}\u{7f}\u{202e}é\n", serde_json::to_string);
        assert_eq!(shown, r#""\u001b\u009b\u007f\u202eé\n""#);
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), "\u{1b}\u{9b}\u{7f}\u{202e}é\n");
        assert!(!table(&["name"], [vec!["\u{1b}[0m".to_owned()]]).contains("\u{1b}[0mx"));
    }

    #[test]
    fn tables_and_facts_align() {
        let shown = table(&["name", "size"], [vec!["a".into(), "1".into()], vec!["longer".into(), "22".into()]]);
        let plain = anstream::adapter::strip_str(&shown).to_string();
        assert_eq!(plain, "NAME    SIZE\na       1\nlonger  22\n");
        let plain = anstream::adapter::strip_str(&facts(&[("a", "1\n2".into()), ("long", "\u{7}".into())])).to_string();
        assert_eq!(plain, "a     1\n      2\nlong  \\u{7}\n");
    }

    #[test]
    fn numbers_have_units() {
        assert_eq!([bytes(0), bytes(9_999), bytes(59_700), bytes(64 << 20)], ["0 B", "9999 B", "58.3 KiB", "64.0 MiB"]);
        assert_eq!([micros(84), micros(12_460), micros(61_000_000)], ["84 µs", "12.5 ms", "61.0 s"]);
        assert_eq!(time(1_790_000_000_123), "2026-09-21 14:13:20Z");
    }

    #[test]
    fn a_difference_shows_what_changed() {
        let plain = |old: &str, new: &str| anstream::adapter::strip_str(&diff(old, new)).to_string();
        assert_eq!(plain("a\nb\n", "a\nb\n"), "");
        assert_eq!(plain("1\n2\n3\n4\n5\nx\n", "1\n2\n3\n4\n5\ny\u{1b}\n"), "  3\n  4\n  5\n- x\n+ y\\u{1b}\n");
    }
}
