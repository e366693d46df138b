// Slack messages of blocks. Limits and escaping: https://docs.slack.dev/reference/block-kit/blocks and
// https://docs.slack.dev/messaging/formatting-message-text.

/** Characters of one text, as Slack counts them at most: UTF-16 units. */
const TEXT_MOST = 3_000;
/** Blocks of one message. */
const BLOCKS_MOST = 50;

const ESCAPED = /** @type {Record<string, string>} */ ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" });

/** Text in which `&`, `<` and `>` are escaped, never longer than a text may be. */
export class Markup {
  text = "";

  /**
   * Adds text as it is: escaped, and cut where there is no more room.
   *
   * @param {string} text
   */
  plain(text) {
    let room = TEXT_MOST - this.text.length;
    for (const letter of text) {
      const piece = ESCAPED[letter] ?? letter;
      // One place is kept for the sign that something is missing.
      if (piece.length >= room) {
        if (room > 0) this.text += "…";
        return this;
      }
      room -= piece.length;
      this.text += piece;
    }
    return this;
  }

  /**
   * Adds a link; only its text if there is no room for the address.
   *
   * @param {string} address
   * @param {string} text
   */
  link(address, text) {
    const line = oneLine(text);
    const target = new Markup().plain(address.replace(/[| ]/g, "")).text;
    const label = new Markup().plain(line).text;
    if (this.text.length + target.length + label.length + 3 > TEXT_MOST) return this.plain(line);
    this.text += `<${target}|${label}>`;
    return this;
  }

  /**
   * Adds text in the type of code.
   *
   * @param {string} text
   */
  code(text) {
    return this.plain(`\`${text.replaceAll("`", "'")}\``);
  }
}

/**
 * The first line of a text, at most 200 characters of it.
 *
 * @param {string} text
 */
export function oneLine(text) {
  const line = (text.split("\n", 1)[0] ?? "").trim();
  const letters = Array.from(line);
  return letters.length > 200 ? `${letters.slice(0, 200).join("")}…` : line;
}

/**
 * @typedef {{ type: "mrkdwn", text: string }} Text
 * @typedef {{ type: "section", text: Text } | { type: "context", elements: [Text] }} Block
 */

/** Written as JSON it is what Slack takes. */
export class Message {
  /** @param {Markup} summary What notifications show. */
  constructor(summary) {
    this.text = summary.text;
    /** @type {Block[]} */
    this.blocks = [];
  }

  /** @param {Markup} text */
  section({ text }) {
    if (text !== "") this.blocks.push({ type: "section", text: { type: "mrkdwn", text } });
    return this;
  }

  /** @param {Markup} text */
  context({ text }) {
    this.blocks.push({ type: "context", elements: [{ type: "mrkdwn", text }] });
    return this;
  }

  /**
   * Lines in as few sections as hold them. Two blocks are kept free: one to say how many lines are missing, one for what
   * follows.
   *
   * @template T
   * @param {readonly T[]} items
   * @param {(item: T) => Markup} line
   */
  lines(items, line) {
    let section = new Markup();
    for (const [shown, item] of items.entries()) {
      const next = line(item);
      if (section.text.length + next.text.length < TEXT_MOST) {
        section.text += section.text === "" ? next.text : `\n${next.text}`;
        continue;
      }
      this.section(section);
      section = next;
      if (this.blocks.length >= BLOCKS_MOST - 2) {
        section = new Markup().plain(`… and ${items.length - shown} more`);
        break;
      }
    }
    return this.section(section);
  }
}
