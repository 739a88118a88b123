/** Detail of the gap event with which ingest begins: what lies before it was not watched, which is no fault of the feed. */
export const FIRST_CONNECTION = 'start';
