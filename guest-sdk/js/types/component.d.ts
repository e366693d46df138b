/**
 * What the component exports as `snaphook:filter/handler`.
 *
 * @template C
 * @param {import("./filter.js").Filter<C>} filter
 */
export function component<C>(filter: import("./filter.js").Filter<C>): {
    /**
     * @param {import("./host.js").Head} head
     * @param {import("./host.js").RawBody} body
     */
    handle(head: import("./host.js").Head, body: import("./host.js").RawBody): import("snaphook:filter/types@0.1.0").Verdict;
    /** @param {string} text */
    configure(text: string): Uint8Array<ArrayBuffer>;
};
