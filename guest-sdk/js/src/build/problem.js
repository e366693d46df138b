/** What is the author's to mend: shown as it is, without a stack. */
export class Problem extends Error {}
