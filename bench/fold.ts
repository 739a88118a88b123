/** Events through the fold on one core, the whole catalogue; against decoding the same events from the wire. A vector's cost includes its share of the minute. */
import { COLUMNS } from '#libs/features/catalogue.ts';
import { createFold, foldTick } from '#libs/features/fold.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { generatedTicks } from './market.ts';
import { type Figure, figure, paired, rate } from './measure.ts';

const MINUTES = 5;
const VENUES = ['coinbase', 'kraken', 'binanceus', 'cryptocom'];

export async function benchFold(): Promise<Figure[]> {
  const ticks = generatedTicks(MINUTES * 60, 500, VENUES);
  const records = ticks.map((tick) => Tick.encode(tick).finish());
  const decoded = await rate('ticks decoded', 'events/s', records.length, () => {
    for (const record of records) Tick.decode(record);
  });
  const perVector: number[] = [];
  const folded = await rate('ticks folded', 'events/s', ticks.length, () => {
    const state = createFold();
    let vectors = 0;
    ticks.forEach((tick, offset) => {
      const isMinute = tick.event?.$case === 'clock' && tick.event.value.t % 60_000 === 0;
      const start = isMinute ? performance.now() : 0;
      const before = vectors;
      foldTick(state, tick, offset, () => (vectors += 1));
      if (isMinute && vectors > before) perVector.push(((performance.now() - start) * 1000) / (vectors - before));
    });
    if (vectors !== MINUTES * VENUES.length) throw new Error(`the bench folded ${vectors} vectors`);
  });
  return [decoded, paired(folded, decoded), figure(`one vector of ${COLUMNS.length} columns, 4 venues`, 'µs', perVector)];
}
