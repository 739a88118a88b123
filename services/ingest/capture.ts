/** An optional file of raw frames, one JSON object a line: `{"rx": seconds, "frame": …}`, a frame that is no JSON as a string. */
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';

export interface Capture {
  /** False: the disk is too slow, the frame is not in the file. */
  write(text: string, receiveTime: number): boolean;
  /** Resolves when all is on disk. */
  close(): Promise<void>;
}

/** Bytes that may wait for the disk. */
const LARGEST_BACKLOG = 64 * 1024 * 1024;

/** Appends to `path`. Failures of the disk go to `failed`, once. */
export function openCapture(path: string, failed: (error: Error) => void): Capture {
  const stream = createWriteStream(path, { flags: 'a' });
  let isOpen = true;
  stream.once('error', (error) => {
    isOpen = false;
    failed(error);
  });
  return {
    write(text, receiveTime) {
      if (!isOpen || stream.writableLength > LARGEST_BACKLOG) return false;
      stream.write(`{"rx":${receiveTime / 1e6},"frame":${isJson(text) ? text : JSON.stringify(text)}}\n`);
      return true;
    },
    async close() {
      if (!isOpen) return;
      stream.end();
      await finished(stream).catch(() => undefined);
    },
  };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return !text.includes('\n');
  } catch {
    return false;
  }
}
