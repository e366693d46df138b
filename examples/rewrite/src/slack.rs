//! Slack messages of blocks. Limits and escaping: <https://docs.slack.dev/reference/block-kit/blocks> and
//! <https://docs.slack.dev/messaging/formatting-message-text>.

use serde::Serialize;

/// Characters of one text.
const TEXT_MOST: usize = 3_000;
/// Blocks of one message.
const BLOCKS_MOST: usize = 50;

#[derive(Serialize)]
pub struct Message {
    /// What notifications show.
    text: String,
    blocks: Vec<Block>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Block {
    Section { text: Text },
    Context { elements: [Text; 1] },
}

#[derive(Serialize)]
struct Text {
    r#type: &'static str,
    text: Markup,
}

/// Text in which `&`, `<` and `>` are escaped, never longer than a text may be.
#[derive(Serialize, Default, Clone)]
#[serde(transparent)]
pub struct Markup(String);

impl Markup {
    /// Text as it is: escaped, and cut where there is no more room.
    pub fn plain(mut self, text: &str) -> Self {
        let mut room = TEXT_MOST - self.length();
        for letter in text.chars() {
            let mut bytes = [0; 4];
            let piece = match letter {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                letter => letter.encode_utf8(&mut bytes),
            };
            let length = length(piece);
            // One place is kept for the sign that something is missing.
            if length >= room {
                if room > 0 {
                    self.0.push('…');
                }
                return self;
            }
            room -= length;
            self.0.push_str(piece);
        }
        self
    }

    /// A link; only its text if there is no room for the address.
    pub fn link(self, address: &str, text: &str) -> Self {
        let text = one_line(text);
        let address = Self::default().plain(&address.replace(['|', ' '], "")).0;
        let label = Self::default().plain(&text).0;
        if self.length() + length(&address) + length(&label) + 3 > TEXT_MOST {
            return self.plain(&text);
        }
        Self([&self.0, "<", &address, "|", &label, ">"].concat())
    }

    /// In the type of code.
    pub fn code(self, text: &str) -> Self {
        self.plain(&format!("`{}`", text.replace('`', "'")))
    }

    fn length(&self) -> usize {
        length(&self.0)
    }
}

/// Characters as Slack counts them at most: UTF-16 units.
fn length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The first line of a text, at most 200 characters of it.
pub fn one_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim();
    match line.char_indices().nth(200) {
        Some((end, _)) => [&line[..end], "…"].concat(),
        None => line.to_owned(),
    }
}

impl Message {
    pub fn new(summary: Markup) -> Self {
        Self { text: summary.0, blocks: Vec::new() }
    }

    pub fn section(mut self, text: Markup) -> Self {
        if !text.0.is_empty() {
            self.blocks.push(Block::Section { text: Text { r#type: "mrkdwn", text } });
        }
        self
    }

    pub fn context(mut self, text: Markup) -> Self {
        self.blocks.push(Block::Context { elements: [Text { r#type: "mrkdwn", text }] });
        self
    }

    /// Lines in as few sections as hold them. Two blocks are kept free: one to say how many lines are missing, one for
    /// what follows.
    pub fn lines(mut self, lines: impl ExactSizeIterator<Item = Markup>) -> Self {
        let total = lines.len();
        let mut section = Markup::default();
        for (shown, line) in lines.enumerate() {
            if section.length() + line.length() < TEXT_MOST {
                if !section.0.is_empty() {
                    section.0.push('\n');
                }
                section.0.push_str(&line.0);
                continue;
            }
            self = self.section(section);
            section = line;
            if self.blocks.len() >= BLOCKS_MOST - 2 {
                section = Markup::default().plain(&format!("… and {} more", total - shown));
                break;
            }
        }
        self.section(section)
    }
}

#[cfg(test)]
mod tests {
    use snaphook_sdk::serde_json;

    use super::*;

    #[test]
    fn text_is_escaped_and_cut_between_characters() {
        assert_eq!(Markup::default().plain("a < b & <!channel>").0, "a &lt; b &amp; &lt;!channel&gt;");
        for letter in ["a", "é", "😀", "&", "<"] {
            let text = Markup::default().plain(&letter.repeat(4_000));
            assert!((TEXT_MOST - 5..=TEXT_MOST).contains(&text.length()), "{letter} {}", text.length());
            assert!(text.0.ends_with('…'));
            let whole = text.0.trim_end_matches('…').replace("&amp;", "&").replace("&lt;", "<");
            assert!(whole.len().is_multiple_of(letter.len()) && whole.replace(letter, "").is_empty(), "{letter}");
            let again = text.plain("more");
            assert!(again.length() <= TEXT_MOST, "{}", again.length());
        }
    }

    #[test]
    fn links_hold_no_second_link() {
        let link = Markup::default().link("https://example.com/a|b?c=d&e=<f>", "a|b\n> c").0;
        assert_eq!(link, "<https://example.com/ab?c=d&amp;e=&lt;f&gt;|a|b>");
        assert_eq!(Markup::default().link(&"x".repeat(3_000), "text").0, "text");
    }

    #[test]
    fn lines_fill_at_most_the_blocks_there_are() {
        let line = || Markup::default().plain(&"x".repeat(1_400));
        let message = Message::new(Markup::default()).lines((0..3).map(|_| line()));
        assert_eq!(message.blocks.len(), 2);
        let message = Message::new(Markup::default()).section(line()).lines((0..500).map(|_| line())).context(line());
        assert_eq!(message.blocks.len(), BLOCKS_MOST);
        let json = serde_json::to_value(&message).unwrap();
        assert_eq!(json["blocks"][48]["text"]["text"], "… and 406 more");
    }
}
