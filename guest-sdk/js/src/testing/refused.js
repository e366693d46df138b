/**
 * As the component's bindings throw what the host refuses.
 *
 * @param {import("../error.js").CallError["code"]} tag
 * @param {string} val
 */
export function refused(tag, val) {
  return Object.assign(new Error(val), { payload: { tag, val } });
}
