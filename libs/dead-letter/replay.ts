/**
 * Letters put back: a tick that a service could not read stands once more at the end of its partition, for when the service can read it. `ticks`
 * is at-least-once and its readers drop what they have had, so nothing counts twice; of other topics each key stands once, and letters of
 * theirs are left where they are.
 */
import { type EventLog, type OutRecord } from '../log/port.ts';
import { DeadLetter } from '../wire/tributary/v1/features.ts';

/** Its committed offset in `dead-letter` is how far letters were put back. */
const REPLAY_GROUP = 'dead-letter-replay';

export interface Replay {
  /** Records written to `ticks`. */
  readonly replayed: number;
  /** Letters about a record that another letter has brought back. */
  readonly repeated: number;
  /** Letters about records of other topics. */
  readonly left: number;
}

/** Puts back what was not put back yet; a letter and its record are done in one commit, so a run that is cut off goes on where it was. */
export async function replayLetters(log: EventLog): Promise<Replay> {
  const done = (await log.committed(REPLAY_GROUP, 'dead-letter', 0)) ?? 0;
  const places = new Set<string>();
  let [replayed, repeated, left] = [0, 0, 0];
  for await (const { records } of log.read('dead-letter', 0)) {
    for (const { offset, value } of records) {
      const letter = DeadLetter.decode(value);
      const place = `${letter.partition}/${letter.offset}`;
      const isTick = letter.topic === 'ticks';
      const isRepeated = isTick && places.has(place);
      if (isTick) places.add(place);
      if (offset < done) continue;
      const outputs: OutRecord[] =
        isTick && !isRepeated ? [{ topic: 'ticks', partition: letter.partition, key: letter.key, value: letter.value }] : [];
      await log.commit({ group: REPLAY_GROUP, topic: 'dead-letter', partition: 0, offset: offset + 1, outputs });
      if (outputs.length > 0) replayed++;
      else if (isRepeated) repeated++;
      else left++;
    }
  }
  return { replayed, repeated, left };
}
