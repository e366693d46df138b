/**
 * The event that a file describes.
 *
 * @param {string} file Its text.
 * @returns {EventFile}
 * @throws {Error}
 */
export function readEventFile(file: string): EventFile;
export type EventFile = {
    method: string;
    path: string;
    query: string | undefined;
    receivedMs: number | undefined;
    headers: import("../error.js").Header[];
    body: Uint8Array;
};
