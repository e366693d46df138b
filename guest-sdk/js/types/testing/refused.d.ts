/**
 * As the component's bindings throw what the host refuses.
 *
 * @param {import("../error.js").CallError["code"]} tag
 * @param {string} val
 */
export function refused(tag: import("../error.js").CallError["code"], val: string): Error & {
    payload: {
        tag: "other" | "invalid" | "denied" | "limit" | "unavailable";
        val: string;
    };
};
