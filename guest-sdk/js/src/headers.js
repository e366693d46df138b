// What is written in well-known headers.

import { text } from "./bytes.js";

/** @typedef {import("./event.js").Event} Event */

/**
 * The media type of the body in lower case, without parameters: `application/json`.
 *
 * @param {Event} event
 * @returns {string | undefined}
 */
export function contentType(event) {
  const essence = event.header("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  return essence === "" ? undefined : essence;
}

/**
 * The token of `Authorization: Bearer TOKEN` (RFC 6750).
 *
 * @param {Event} event
 * @returns {string | undefined}
 */
export function bearer(event) {
  return /^bearer (.*)$/is.exec(event.header("authorization") ?? "")?.[1]?.trim();
}

/**
 * The elements of a header that holds a list (RFC 9110, section 5.6.1), over all its values; empty ones are left out, and
 * values that are not UTF-8.
 *
 * @param {Event} event
 * @param {string} name
 * @returns {string[]}
 */
export function list(event, name) {
  const elements = event.headerValues(name).flatMap((value) => (text(value) ?? "").split(","));
  return elements.map((element) => element.trim()).filter((element) => element !== "");
}
