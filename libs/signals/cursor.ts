/** Where a stream of decisions stands, as its caller keeps it: the source, and the next offset in each partition of `signals`. */
import { TributaryError } from '../errors/errors.ts';
import { type Source } from '../service/service.ts';

/** The next offset of each partition. */
export type Position = number[];

export function encodeCursor(source: Source, position: Readonly<Position>): string {
  return `${source}.${position.map((offset) => offset.toString(36)).join('-')}`;
}

/** Throws `TRB_CURSOR`. */
export function decodeCursor(cursor: string, source: Source, partitions: number): Position {
  const [, of = '', offsets = ''] = /^([a-z]+)\.([0-9a-z]{1,10}(?:-[0-9a-z]{1,10})*)$/.exec(cursor) ?? [];
  const position = offsets.split('-').map((offset) => Number.parseInt(offset, 36));
  if (of !== source || position.length !== partitions) throw foreignCursor(`It is none of this instance's (${source})`);
  return position;
}

export function foreignCursor(why: string): TributaryError {
  return new TributaryError('TRB_CURSOR', `The cursor cannot be gone on from. ${why}.`, {
    hint: 'Give one that a stream of the same log gave you, unchanged, or none to begin with what is new.',
  });
}
