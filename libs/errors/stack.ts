import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { dirname, join } from 'node:path';

/** A place in a bundle: file, line, column. */
const BUNDLED = /([^\s()]+\.cjs):(\d+):(\d+)/g;

/**
 * The stack as who reads it needs it: its places in a bundle are those in its sources, by the map beside it. Reading a map takes a quarter of a second, so
 * this is for a stack that is shown.
 */
export function inSources(stack: string): string {
  const maps = new Map<string, SourceMap | undefined>();
  return stack.replace(BUNDLED, (place, bundle: string, line: string, column: string) => {
    if (!maps.has(bundle)) maps.set(bundle, readMap(`${bundle}.map`));
    const origin = maps.get(bundle)?.findEntry(Number(line) - 1, Number(column) - 1);
    if (origin === undefined || !('originalSource' in origin)) return place;
    return `${join(dirname(bundle), origin.originalSource)}:${origin.originalLine + 1}:${origin.originalColumn + 1}`;
  });
}

function readMap(file: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(file, 'utf8')) as SourceMapPayload);
  } catch {
    // A stack without it is better than none.
    return undefined;
  }
}
