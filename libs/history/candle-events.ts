/**
 * Candles as the events of a log: for each minute all its candles, then the clock of its end, so that a minute is known at its end and
 * not before. Rates between the dollar, stablecoins and the euro become reference events, and so do the BTC-USD and ETH-USD closes
 * beside their candles: what stands in every partition.
 */
import { type Instrument, isConversionRate, parseInstrument } from '../market/instrument.ts';
import { type Tick } from '../wire/tributary/v1/market.ts';
import { clockEvent, LONGEST_HOLE, referenceEvent, REFERENCE_INSTRUMENTS } from './events.ts';
import { type CandleRow } from './rows.ts';

const MINUTE = 60_000;

/** `rows` sorted as by `sortCandles`. Minutes that nobody traded in have their clock too, save in a hole of more than a day. */
export function* candlesToTicks(rows: Iterable<CandleRow>): Generator<Tick> {
  const writer = new TickWriter();
  for (const row of rows) yield* writer.candle(row);
  yield* writer.end();
}

/** The same for what comes in blocks, as from a store. */
export async function* candleBlocksToTicks(blocks: AsyncIterable<readonly CandleRow[]>): AsyncGenerator<Tick> {
  const writer = new TickWriter();
  for await (const block of blocks) for (const row of block) yield* writer.candle(row);
  yield* writer.end();
}

class TickWriter {
  readonly #instruments = new Map<string, Instrument>();
  #minute: number | undefined;

  /** The clocks up to the candle's minute, and the candle. */
  *candle(row: CandleRow): Generator<Tick> {
    let minute = this.#minute ?? row.start;
    if (row.start - minute > LONGEST_HOLE + MINUTE) {
      yield clockEvent(minute + MINUTE);
      minute = row.start - MINUTE;
    }
    for (; minute < row.start; minute += MINUTE) yield clockEvent(minute + MINUTE);
    this.#minute = minute;
    let instrument = this.#instruments.get(row.instrument);
    if (instrument === undefined) this.#instruments.set(row.instrument, (instrument = parseInstrument(row.instrument)));
    const isRate = isConversionRate(instrument);
    if (!isRate) yield candleEvent(row, instrument.base);
    if (isRate || REFERENCE_INSTRUMENTS.includes(row.instrument)) {
      yield referenceEvent(row.venue, row.instrument, row.start / MINUTE, row.close, row.start + MINUTE, row.start + MINUTE);
    }
  }

  *end(): Generator<Tick> {
    if (this.#minute !== undefined) yield clockEvent(this.#minute + MINUTE);
  }
}

function candleEvent(row: CandleRow, asset: string): Tick {
  const { start, open, high, low, close, volume, trades } = row;
  const known = (start + MINUTE) * 1000;
  return {
    asset,
    venue: row.venue,
    instrument: row.instrument,
    exchangeTime: known,
    receiveTime: known,
    sequence: start / MINUTE,
    event: { $case: 'candle', value: { start, open, high, low, close, volume, trades } },
  };
}
