/**
 * A bot that follows signals on paper: one position an instrument and venue, opened by a signal and closed when it ends, turns or is abstained from.
 * Its state, the cursor included, is one file that is replaced whole after each step: kill it at any moment, and the next start goes on
 * without a trade missing or done twice. With an exchange behind it, `identityOf(signal)` is the client order id.
 *
 *   npx tsx bot.ts [HOST:PORT] [STATE FILE]
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { Direction, identityOf, isActionable, type Signal, streamSignals } from '@tributary/client';

interface Position {
  readonly id: string;
  readonly side: 'long' | 'short';
  readonly until: number;
}
interface State {
  cursor?: string;
  readonly positions: Record<string, Position>;
}

const [address = '127.0.0.1:50051', file = 'bot-state.json'] = process.argv.slice(2);
const state: State = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as State) : { positions: {} };

const say = (what: string, more: object): void => console.log(JSON.stringify({ what, ...more }));

function save(cursor?: string): void {
  if (cursor !== undefined) state.cursor = cursor;
  writeFileSync(`${file}.new`, JSON.stringify(state));
  renameSync(`${file}.new`, file);
}

function close(key: string, why: string): void {
  const position = state.positions[key];
  if (position === undefined) return;
  delete state.positions[key];
  say('close', { ...position, why });
}

/** Validity ends by our own clock, whether or not anything comes: silence never keeps a position open. */
function closeEnded(now: number): void {
  for (const [key, { until }] of Object.entries(state.positions)) if (until <= now) close(key, 'over');
}

function act(signal: Signal, now: number): void {
  const key = `${signal.venue}:${signal.instrument}`;
  if (signal.source === 'live' && process.env['LIVE'] !== 'yes')
    return say('live', { hint: 'set LIVE=yes to follow live signals' });
  if (signal.direction === Direction.DIRECTION_ABSTAIN) return close(key, signal.abstainReason);
  const id = identityOf(signal);
  // Missed while we were away: history, not advice.
  if (!isActionable(signal, now)) return say('stale', { id });
  if (signal.quality !== 0) return say('poor', { id, quality: signal.quality });
  const side = signal.direction === Direction.DIRECTION_UP ? 'long' : 'short';
  if (state.positions[key]?.side === side) {
    state.positions[key] = { ...state.positions[key], until: signal.validUntil };
    return;
  }
  close(key, 'turned');
  state.positions[key] = { id, side, until: signal.validUntil };
  say('open', { id, side, confidence: signal.confidence, price: signal.referencePrice, cost_bps: signal.costBps });
}

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
const ticking = setInterval(() => {
  closeEnded(Date.now());
  save();
}, 1_000);

say('start', { address, goesOn: state.cursor !== undefined });
const onLost = (why: string): void => say('lost', { why });
const stream = streamSignals({
  ...{ address, horizons: ['1m'], onLost, signal: stop.signal },
  ...(state.cursor !== undefined && { after: state.cursor }),
});
for await (const { signal, cursor } of stream) {
  closeEnded(Date.now());
  if (signal === undefined) say('alive', {});
  else {
    say('signal', { id: identityOf(signal), direction: signal.direction });
    act(signal, Date.now());
  }
  save(cursor);
}
clearInterval(ticking);
