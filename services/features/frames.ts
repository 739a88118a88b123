/** The newest frame of each instrument in a partition: what a vector's trail begins with. Kept only where somebody follows trails. */
import { type LogRecord } from '#libs/log/port.ts';
import { type Subject, type Trail } from '#libs/telemetry/trail.ts';
import { type FeatureVector } from '#libs/wire/tributary/v1/features.ts';
import { type Tick } from '#libs/wire/tributary/v1/market.ts';

interface Frame {
  readonly kind: string;
  readonly offset: number;
  readonly sequence: number;
  /** Microseconds. */
  readonly exchangeTime: number;
  readonly receiveTime: number;
  readonly appended: number;
}

/** What says something about the price. */
const KINDS: readonly string[] = ['trade', 'quote', 'book'];

export class Frames {
  readonly #newest = new Map<string, Frame>();
  /** Made since the last commit, with the time at which the record that made it was appended. */
  readonly #made: { readonly vector: FeatureVector; readonly appended: number; readonly frame: Frame | undefined }[] = [];

  saw({ venue, instrument, event, sequence, exchangeTime, receiveTime }: Tick, { offset, timestamp }: LogRecord): void {
    if (event === undefined || !KINDS.includes(event.$case)) return;
    const frame = { kind: event.$case, offset, sequence, exchangeTime, receiveTime, appended: timestamp * 1000 };
    this.#newest.set(`${venue}:${instrument}`, frame);
  }

  made(vector: FeatureVector, { timestamp }: LogRecord): void {
    this.#made.push({ vector, appended: timestamp * 1000, frame: this.#newest.get(`${vector.venue}:${vector.instrument}`) });
  }

  /** All of them are in the log at `now`, microseconds. */
  committed(trail: Trail, partition: number, now: number): void {
    for (const { vector, appended, frame } of this.#made.splice(0)) {
      const about: Subject = vector;
      if (frame !== undefined) {
        const { kind, offset, sequence, exchangeTime, receiveTime } = frame;
        trail.stage('ingest', about, [receiveTime, frame.appended], {
          ...{ kind, partition, offset, sequence, exchange_time: exchangeTime, receive_time: receiveTime },
        });
      }
      const made = { partition, source_offset: vector.sourceOffset, quality: vector.quality, last_price: vector.lastPrice };
      trail.stage('features', about, [appended, now], made, { isFirst: frame === undefined });
    }
  }
}
