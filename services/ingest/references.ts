/** What other assets' features need of this venue, once a second into every partition: rates of stablecoins and the euro, BTC and ETH. */
import { type OutRecord } from '#libs/log/port.ts';
import { type Instrument, isConversionRate } from '#libs/market/instrument.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { type InstrumentStream } from './instrument-stream.ts';

const REFERENCE_SERIES: readonly string[] = ['BTC-USD', 'ETH-USD'];
/** Milliseconds after its second from which on a value may be used: by then it has reached every partition. */
const EFFECT_DELAY_MS = 2_000;

export function isReference(instrument: Instrument): boolean {
  return isConversionRate(instrument) || REFERENCE_SERIES.includes(instrument.name);
}

/** The mid of a stream at a whole `second` (ms / 1000), for each partition; nothing where there is no quote to believe. */
export function referencesOf(
  stream: InstrumentStream,
  venue: string,
  second: number,
  now: number,
  partitions: number,
): OutRecord[] {
  const best = stream.quote;
  if (best === undefined || !stream.isHealthy(now) || !isReference(stream.instrument)) return [];
  const value = Tick.encode({
    asset: '',
    venue,
    instrument: '',
    exchangeTime: 0,
    receiveTime: now,
    sequence: second,
    event: {
      $case: 'reference',
      value: {
        source: venue,
        series: stream.instrument.name,
        seq: second,
        value: (best.quote.bid + best.quote.ask) / 2,
        publishedAt: best.receiveTime,
        effectiveT: second * 1000 + EFFECT_DELAY_MS,
        observedAt: 0,
        validFor: 0,
      },
    },
  }).finish();
  return Array.from({ length: partitions }, (_, partition) => ({ topic: 'ticks', key: '', partition, value }));
}
