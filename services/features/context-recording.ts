/**
 * What the default sources without a key give: each poll's recorded answer again and again, at the poll's pace, its times moved along.
 * It shows which series are there, not what they would say: a change over days is 0, and a field that an answer leaves out is missing.
 */
import { contextEvent } from '#libs/history/events.ts';
import { type ContextSource, type Observation } from '#services/context/sources/source.ts';
import { SOURCES } from '#services/context/sources/registry.ts';
import { observeEach, recordedFile, type Reply, serveRecorded } from '#services/context/testing/recorded.ts';
import { SAMPLES } from '#services/context/testing/samples.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { type Recording } from './measure-presence.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 0, 1);
/** As long as the longest change looks back, and a week more. */
const DAYS = 40;
/** Vectors are made in the last so many hours. */
const HOURS = 48;

/** Answers recorded from the hosts themselves, in place of those of the samples that were written after their documents. */
const RECORDED: Readonly<Record<string, { readonly now: number; readonly files: Readonly<Record<string, string>> }>> = {
  coingecko: {
    now: Date.UTC(2024, 0, 14, 20),
    files: {
      '/coins/markets': 'responses/coingecko/coins-markets.json',
      '/global': 'responses/coingecko/global.json',
      '/derivatives': 'responses/coingecko/derivatives.json',
    },
  },
  defillama: { now: Date.UTC(2024, 0, 14, 20), files: { '/stablecoins': 'responses/onchain/defillama-stablecoins.json' } },
};

export function contextRecording(): Recording {
  return {
    name: 'context',
    what: `default sources that need no key, one answer of each poll given again at its pace for ${DAYS} days: CoinGecko's markets, totals and derivatives and DefiLlama's supplies as recorded in January 2024, the others after the hosts' documents; vectors of BTC in the last ${HOURS} hours`,
    // The candles are there only so that there are vectors.
    judges: ({ feature }) => feature.inputs.every((input) => input === 'context'),
    ticks: () => contextTicks(SOURCES.filter(({ isDefault, key }) => isDefault && key?.isRequired !== true)),
  };
}

/** The events of `sources` over the days, then hours with a candle of Bitcoin. */
export async function contextTicks(sources: readonly ContextSource[]): Promise<Tick[]> {
  const events: Tick[] = [];
  for (const source of sources) events.push(...(await eventsOf(source)));
  const first = START + DAYS * DAY - HOURS * HOUR;
  for (let hour = 0; hour < HOURS; hour++) {
    const start = first + hour * HOUR;
    events.push(candle(start), clock(start + MINUTE), clock(start + HOUR));
  }
  return events
    .map((tick) => ({ tick, t: timeOf(tick) }))
    .sort((a, b) => a.t - b.t)
    .map(({ tick }) => tick);
}

async function eventsOf(source: ContextSource): Promise<Tick[]> {
  const validFor = new Map(source.series.map(({ name, validFor: ms }) => [name.replace('{asset}', 'BTC'), ms]));
  const events: Tick[] = [];
  for (const { now, observations, everyMs } of await answersOf(source)) {
    let seq = 0;
    for (let t = START; t < START + DAYS * DAY; t += everyMs) {
      for (const { series, value, observedAt } of observations) {
        const times = { observedAt: t - (now - observedAt), publishedAt: t, availableAt: t, validFor: validFor.get(series)! };
        events.push(contextEvent({ source: source.id, series, seq: ++seq, value, ...times }));
      }
    }
  }
  return events;
}

interface PollAnswer {
  readonly now: number;
  readonly everyMs: number;
  readonly observations: readonly Observation[];
}

/** What each poll makes of its answer: the recorded one where there is one. */
async function answersOf(source: ContextSource): Promise<readonly PollAnswer[]> {
  const sample = SAMPLES[source.id];
  if (sample === undefined) return [];
  const recorded = RECORDED[source.id] ?? { now: sample.now, files: {} };
  const replies = Object.entries(recorded.files).flatMap(([path, name]): [string, Reply][] => {
    const reply = recordedFile(name);
    return reply === undefined ? [] : [[path, reply]];
  });
  const polled = new Map<string, PollAnswer>();
  for (const { now, answers } of [sample, { now: recorded.now, answers: Object.fromEntries(replies) }]) {
    const server = await serveRecorded(answers);
    try {
      const options = { now, assets: ['BTC'], files: sample.files ?? {} };
      for (const { poll, observations } of await observeEach(source, server, options)) {
        if (observations !== undefined) polled.set(poll.name, { now, everyMs: poll.everyMs, observations });
      }
    } finally {
      await server.close();
    }
  }
  return [...polled.values()];
}

function candle(start: number): Tick {
  const value = { start, open: 100, high: 100, low: 100, close: 100, volume: 1, trades: 1 };
  const exchangeTime = (start + MINUTE) * 1000;
  const event = { $case: 'candle' as const, value };
  return Tick.fromPartial({ asset: 'BTC', venue: 'coinbase', instrument: 'BTC-USD', exchangeTime, event });
}

function clock(t: number): Tick {
  return Tick.fromPartial({ event: { $case: 'clock', value: { t } } });
}

/** Where it stands in the log, milliseconds. */
function timeOf({ event, exchangeTime }: Tick): number {
  return event?.$case === 'clock' ? event.value.t + 0.5 : exchangeTime / 1000;
}
