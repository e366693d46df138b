// The manifest, in a component's custom section.

/** The name that the host looks for. */
const NAME = "snaphook:manifest";
/** What the host reads at most. */
const BYTES_MOST = 256 << 10;

/**
 * The component with a manifest behind everything else. A custom section may stand anywhere: id 0, the size of what follows,
 * the name with its length, the content. Source: https://webassembly.github.io/spec/core/binary/modules.html#custom-section
 *
 * @param {Uint8Array} component
 * @param {import("../filter.js").Manifest} manifest
 * @returns {Uint8Array}
 */
export function withManifest(component, manifest) {
  const content = Buffer.from(JSON.stringify(manifest));
  if (content.length > BYTES_MOST) {
    throw new Error(`the manifest has ${content.length} bytes, at most ${BYTES_MOST} are allowed: make the schema of the configuration smaller`);
  }
  const name = Buffer.from(NAME);
  const section = Buffer.concat([leb128(name.length), name, content]);
  return Buffer.concat([component, Buffer.of(0), leb128(section.length), section]);
}

/** @param {number} number */
function leb128(number) {
  const bytes = [];
  for (let rest = number; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}
