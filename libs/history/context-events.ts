/** Context values among the events of a history: each stands before the first clock at or after its availability, and nowhere earlier. */
import { type Tick } from '../wire/tributary/v1/market.ts';
import { type ContextRow, contextEvent } from './events.ts';

/** How far before a history its context matters, milliseconds: what a fold keeps of a series (libs/features/context.ts). */
export const CONTEXT_REACH = 45 * 86_400_000;

/** `rows` in order of availability. Those that become available after the last clock come last. */
export function* withContext(ticks: Iterable<Tick>, rows: readonly ContextRow[]): Generator<Tick> {
  let next = 0;
  for (const tick of ticks) {
    if (tick.event?.$case === 'clock') {
      const { t } = tick.event.value;
      for (; next < rows.length && rows[next]!.availableAt <= t; next++) yield contextEvent(rows[next]!);
    }
    yield tick;
  }
  for (; next < rows.length; next++) yield contextEvent(rows[next]!);
}

/** The same for what comes in blocks, as from a store. */
export async function* mergeContext(
  ticks: Iterable<Tick> | AsyncIterable<Tick>,
  blocks: AsyncIterable<readonly ContextRow[]>,
): AsyncGenerator<Tick> {
  const rows = flatten(blocks);
  try {
    let next = await rows.next();
    for await (const tick of ticks) {
      if (tick.event?.$case === 'clock') {
        const { t } = tick.event.value;
        for (; next.done !== true && next.value.availableAt <= t; next = await rows.next()) yield contextEvent(next.value);
      }
      yield tick;
    }
    for (; next.done !== true; next = await rows.next()) yield contextEvent(next.value);
  } finally {
    await rows.return(undefined);
  }
}

async function* flatten(blocks: AsyncIterable<readonly ContextRow[]>): AsyncGenerator<ContextRow, undefined> {
  for await (const block of blocks) yield* block;
  return undefined;
}
