/** Tests only: recorded WebSocket sessions, and a stream's ticks gathered in memory. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { parseInstrument } from '#libs/market/instrument.ts';
import { type Tick } from '#libs/wire/tributary/v1/market.ts';
import { InstrumentStream, type StreamOutput, type StreamVenue } from './instrument-stream.ts';
import { type Hole } from './trade-ledger.ts';

export interface RecordedFrame {
  /** Microseconds. */
  readonly receiveTime: number;
  readonly text: string;
}

/** What the server said in a file of lines `seconds: frame`, or `{"rx": seconds, "frame": …}`, or frames alone. */
export function readFrames(path: string): RecordedFrame[] {
  const bytes = readFileSync(path);
  const lines = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8').split('\n');
  return lines.flatMap((line): RecordedFrame[] => {
    const stamped = /^(\d+\.\d+): (.*)$/.exec(line);
    if (stamped !== null) return [{ receiveTime: Math.round(Number(stamped[1]) * 1e6), text: stamped[2]! }];
    if (!line.startsWith('{')) return [];
    const parsed = JSON.parse(line) as { rx?: number; frame?: unknown };
    if (parsed.rx === undefined) return [{ receiveTime: 0, text: line }];
    return [{ receiveTime: Math.round(parsed.rx * 1e6), text: JSON.stringify(parsed.frame) }];
  });
}

export type Said = NonNullable<Tick['event']> & {
  readonly sequence: number;
  readonly exchangeTime: number;
  readonly receiveTime: number;
};

/** A stream of one instrument on its own, with what it published and asked for. */
export function gather(name: string, venue: Partial<StreamVenue> = {}) {
  const said: Said[] = [];
  const asked = { resyncs: 0, repairs: [] as Hole[], malformed: [] as string[], badChecksums: 0 };
  const queue = { isBusy: false, isFull: false };
  const output: StreamOutput = {
    get isBusy() {
      return queue.isBusy;
    },
    publish(_instrument, event, exchangeTime, receiveTime, sequence) {
      if (queue.isFull && event.$case === 'trade') return false;
      said.push({ ...event, exchangeTime, receiveTime, sequence });
      return true;
    },
    repair: (_stream, hole) => asked.repairs.push(hole),
    resync: () => asked.resyncs++,
    malformed: (reason) => asked.malformed.push(reason),
    badChecksum: () => asked.badChecksums++,
  };
  const stream = new InstrumentStream(
    {
      instrument: parseInstrument(name),
      venue: { bookDepth: Infinity, hasInstrumentHeartbeats: false, tradeIds: 'dense', bookSnapshots: 'feed', ...venue },
      resume: { complete: undefined, sequence: 0 },
    },
    output,
  );
  const of = <K extends Said['$case']>(kind: K) =>
    said.filter((event): event is Said & { $case: K } => event.$case === kind).map(({ value }) => value) as Extract<
      Said,
      { $case: K }
    >['value'][];
  return { stream, said, of, asked, queue };
}
