/** Fills, costs, limits and funding of a paper account, worked by hand; and that its state is all there is of it. */
import { describe, expect, test } from '@jest/globals';
import { createRandom } from '../models/random.ts';
import { Side } from '../wire/tributary/v1/market.ts';
import { type PaperFill } from '../wire/tributary/v1/paper.ts';
import { type AccountState, type ClosedStake, PaperAccount, type Refusal } from './account.ts';
import { type MarketEvent } from './market.ts';
import { paperOptionsSchema } from './options.ts';

const T = Date.UTC(2026, 0, 5, 12);
const MINUTE = 60_000;
const DAY = 86_400_000;

function open(options: object = {}, venue = 'kraken', state?: AccountState) {
  const fills: PaperFill[] = [];
  const closed: ClosedStake[] = [];
  const refused: Refusal[] = [];
  const listener = {
    filled: (fill: PaperFill) => void fills.push(fill),
    closed: (stake: ClosedStake) => void closed.push(stake),
    refused: (reason: Refusal) => void refused.push(reason),
  };
  return { account: new PaperAccount(venue, paperOptionsSchema.parse(options), listener, state), fills, closed, refused };
}

const order = (t = T, side: 1 | -1 = 1, horizon = '1m') => ({
  id: `BTC-USD|kraken|${horizon}|${t}`,
  horizon,
  t,
  publishedAt: t,
  side,
});

/** Levels of 100 quote units around `mid`, half a spread of `half`, `size` base units each, one price unit apart. */
function book(time: number, mid: number, { half = 0.5, size = 1, levels = 5 } = {}): MarketEvent {
  const side = (sign: number) => ({
    prices: Array.from({ length: levels }, (_, i) => mid + sign * (half + i)),
    sizes: Array.from({ length: levels }, () => size),
  });
  return { kind: 'book', time, bids: side(-1), asks: side(1) };
}

const print = (time: number, price: number): MarketEvent => ({ kind: 'print', time, price });

describe('a fill', () => {
  test('meets the first event a latency after publication, never the one that was there', () => {
    const { account, fills, closed } = open({ latencyMs: 250 });
    account.meet(book(T - 10, 100));
    account.order(order());
    account.meet(book(T + 249, 101));
    expect(fills).toEqual([]);
    account.meet(book(T + 250, 102));
    expect(fills).toHaveLength(1);
    expect(fills[0]).toMatchObject({ id: `BTC-USD|kraken|1m|${T}|1`, side: Side.SIDE_BUY, reference: 102, reason: 'signal' });
    account.meet(book(T + MINUTE + 249, 103));
    expect(closed).toEqual([]);
    account.meet(book(T + MINUTE + 250, 104));
    expect(fills[1]).toMatchObject({
      id: `BTC-USD|kraken|1m|${T}|2`,
      side: Side.SIDE_SELL,
      reference: 104,
      reason: 'horizon',
      position: 0,
    });
    expect(account.state).toMatchObject({ position: 0, trades: 1, stakes: [] });
  });

  test('walks the levels: spread to the best, slippage beyond, the fee on what was paid', () => {
    const { account, fills } = open({ latencyMs: 0, stake: 250 });
    account.order(order());
    account.meet(book(T, 100));
    // 2.5 units: 1 at 100.5, 1 at 101.5, 0.5 at 102.5.
    const [fill] = fills;
    expect(fill!.quantity).toBeCloseTo(2.5, 12);
    expect(fill!.price).toBeCloseTo((100.5 + 101.5 + 0.5 * 102.5) / 2.5, 12);
    expect(fill!.spreadCost).toBeCloseTo(2.5 * 0.5, 12);
    expect(fill!.slippageCost).toBeCloseTo(2.5 * (fill!.price - 100.5), 9);
    expect(fill!.fee).toBeCloseTo(2.5 * fill!.price * 0.004, 12);
    expect(account.state.cash).toBeCloseTo(100_000 - 2.5 * fill!.price - fill!.fee, 9);
    expect(account.equity).toBeCloseTo(100_000 - fill!.fee - fill!.spreadCost - fill!.slippageCost, 9);
  });

  test('takes what is there: an opening order is left with less, a closing one asks again', () => {
    const { account, fills } = open({ latencyMs: 0, stake: 1_000 });
    account.order(order());
    account.meet(book(T, 100));
    expect(fills[0]!.quantity).toBe(5);
    account.meet(book(T + MINUTE, 100, { levels: 3 }));
    expect(account.state.position).toBe(2);
    account.meet(book(T + MINUTE + 100, 100, { levels: 3 }));
    expect(fills.map(({ side, quantity }) => [side, quantity])).toEqual([
      [Side.SIDE_BUY, 5],
      [Side.SIDE_SELL, 3],
      [Side.SIDE_SELL, 2],
    ]);
    expect(account.state.position).toBe(0);
  });

  test('of two at one event: the second takes what the first left', () => {
    const { account, fills } = open({ latencyMs: 0, stake: 100 });
    account.order(order());
    account.order(order(T, 1, '5m'));
    account.meet(book(T, 100));
    expect(fills.map(({ price }) => price)).toEqual([100.5, 101.5]);
  });

  test('comes from books where there are any, from quotes where those stay away, and from trades with half the usual spread', () => {
    const { account, fills } = open({ latencyMs: 0, stake: 100 });
    const quote: MarketEvent = {
      kind: 'quote',
      time: T,
      bids: { prices: [99], sizes: [Infinity] },
      asks: { prices: [101], sizes: [Infinity] },
    };
    account.meet(book(T - 5_000, 100));
    account.order(order());
    account.meet(quote);
    account.meet(print(T, 100));
    expect(fills).toEqual([]);
    account.meet({ ...quote, time: T + 5_000 });
    expect(fills[0]).toMatchObject({ price: 101, reference: 100 });
    const bare = open({ latencyMs: 0, stake: 100 });
    bare.account.order(order());
    bare.account.meet(print(T, 100));
    expect(bare.fills[0]!.price).toBeCloseTo(100.005, 12);
  });

  test('goes short as it goes long', () => {
    const { account, closed } = open({ latencyMs: 0, stake: 50 });
    account.order(order(T, -1));
    account.meet(book(T, 100));
    expect(account.state.position).toBe(-0.5);
    account.meet(book(T + MINUTE, 90));
    expect(closed[0]!.gross).toBeCloseTo(-Math.log(0.9) * 10_000, 9);
    // Half the spread on 100 and on 90, and two fees of 40.
    expect(closed[0]!.gross - closed[0]!.net).toBeCloseTo(80 + 50 + (0.5 / 90) * 10_000, 9);
  });

  test('does not come while the venue is halted, nor after patience has run out, nor for a decision seen too late', () => {
    const { account, fills, refused } = open({ latencyMs: 0, patienceMs: 5_000 });
    account.order(order());
    account.halt(true);
    account.meet(book(T + 1, 100));
    account.halt(false);
    account.meet(book(T + 6_000, 100));
    account.order(order(T + 5_999));
    expect([fills, refused]).toEqual([[], ['expired', 'late']]);
  });
});

describe('fees', () => {
  test('fall with what was traded in 30 days, and rise when it is past', () => {
    const { account, fills } = open({ latencyMs: 0, stake: 6_000, volume: 0 });
    const feeBps = (): number => (fills.at(-1)!.fee / (fills.at(-1)!.quantity * fills.at(-1)!.price)) * 10_000;
    account.order(order());
    account.meet(print(T, 100));
    expect(feeBps()).toBeCloseTo(40, 9);
    account.meet(print(T + MINUTE, 100));
    expect(feeBps()).toBeCloseTo(40, 9);
    account.order(order(T + 2 * MINUTE));
    account.meet(print(T + 2 * MINUTE, 100));
    expect(feeBps()).toBeCloseTo(35, 9);
    account.meet(print(T + 3 * MINUTE, 100));
    account.order(order(T + 31 * DAY));
    account.meet(print(T + 31 * DAY, 100));
    expect(feeBps()).toBeCloseTo(35, 9);
    account.meet(print(T + 31 * DAY + MINUTE, 100));
    expect(feeBps()).toBeCloseTo(40, 9);
  });
});

describe('limits', () => {
  test('a stake that would make the position too large is refused; the other direction is not', () => {
    const { account, fills, refused } = open({ latencyMs: 0, stake: 1_000, maxPosition: 1_500 });
    for (const side of [1, 1, -1] as const) account.order(order(T, side, side === 1 ? '5m' : '1m'));
    account.meet(print(T, 100));
    expect(fills.map(({ side }) => side)).toEqual([Side.SIDE_BUY, Side.SIDE_SELL]);
    expect(refused).toEqual(['max_position']);
  });

  test('the loss of a day closes everything and opens nothing until the next', () => {
    const { account, fills, refused } = open({ latencyMs: 0, stake: 10_000, dailyLoss: 500 });
    account.order(order(T, 1, '15m'));
    account.meet(print(T, 100));
    account.meet(print(T + 1_000, 94));
    expect(fills.at(-1)).toMatchObject({ reason: 'daily_loss', position: 0 });
    account.order(order(T + 2_000));
    account.meet(print(T + 2_000, 94));
    expect(refused).toEqual(['daily_loss']);
    const tomorrow = (Math.floor(T / DAY) + 1) * DAY;
    account.clock(tomorrow);
    account.order(order(tomorrow));
    account.meet(print(tomorrow, 94));
    expect(fills.at(-1)).toMatchObject({ reason: 'signal' });
  });

  test('the loss from the highest equity closes everything until trading was switched off and on', () => {
    const first = open({ latencyMs: 0, stake: 10_000, dailyLoss: 90_000, maxDrawdown: 1_000 });
    first.account.order(order(T, -1, '15m'));
    first.account.meet(print(T, 100));
    first.account.meet(print(T + 1_000, 111));
    expect(first.fills.at(-1)).toMatchObject({ reason: 'drawdown', position: 0 });
    first.account.clock(T + 3 * DAY);
    expect(first.account.report()).toMatchObject({ stop: 'drawdown', drawdown: expect.closeTo(0.0118, 3) });
    const off = open({ trading: false }, 'kraken', first.account.state);
    expect(off.account.report().stop).toBe('off');
    const on = open({ latencyMs: 0, maxDrawdown: 1_000 }, 'kraken', off.account.state);
    expect(on.account.report()).toMatchObject({ stop: '', drawdown: 0 });
  });

  test('the kill switch closes what is open at the next event', () => {
    const first = open({ latencyMs: 0 });
    first.account.order(order());
    first.account.meet(print(T, 100));
    const off = open({ trading: false, latencyMs: 0 }, 'kraken', first.account.state);
    off.account.order(order(T + 10));
    off.account.meet(print(T + 20, 100));
    expect(off.fills).toMatchObject([{ reason: 'off', position: 0 }]);
    expect(off.refused).toEqual(['off']);
  });
});

test('funding is paid by longs and got by shorts at 0, 8 and 16 UTC', () => {
  for (const side of [1, -1] as const) {
    const { account } = open({ latencyMs: 0, stake: 1_000, takerFeeBps: 0, halfSpreadBps: 0 });
    account.fund(0.0001);
    account.order(order(T + 4 * 60 * MINUTE - 5_000, side));
    account.meet(print(T + 4 * 60 * MINUTE - 5_000, 100));
    account.clock(T + 4 * 60 * MINUTE);
    account.clock(T + 5 * 60 * MINUTE);
    expect(account.state.funding).toBeCloseTo(side * 0.1, 12);
    expect(account.equity).toBeCloseTo(100_000 - side * 0.1, 9);
  }
});

test('an event that comes again, or out of order, changes nothing', () => {
  const { account, fills } = open({ latencyMs: 0 });
  account.meet(print(T + 10, 100));
  account.order(order(T + 20));
  account.meet(print(T + 5, 50));
  expect([fills, account.state.mark]).toEqual([[], 100]);
});

test('stopped at any event and begun again from its state as text, it does the same to the last bit', () => {
  const events = marketOf(400);
  const whole = run(events, events.length);
  expect(whole.fills.length).toBeGreaterThan(100);
  const random = createRandom(8);
  for (let round = 0; round < 5; round++) {
    const cut = Math.floor(random.next() * events.length);
    const first = run(events, cut);
    const state = JSON.parse(JSON.stringify(first.account.state)) as AccountState;
    const second = run(events, events.length, cut, state);
    expect([...first.fills, ...second.fills]).toEqual(whole.fills);
    expect(second.account.state).toEqual(whole.account.state);
  }
});

test('cash is what was traded less what it cost, whatever happens', () => {
  const events = marketOf(2_000);
  const { account, fills } = run(events, events.length);
  const flows = fills.reduce(
    (sum, { side, quantity, price, fee }) => sum - (side === Side.SIDE_BUY ? 1 : -1) * quantity * price - fee,
    0,
  );
  const { cash, funding, fees, spreadCosts, slippageCosts } = account.state;
  expect(cash).toBeCloseTo(100_000 + flows - funding, 6);
  const atReference = fills.reduce(
    (sum, { side, quantity, reference }) => sum - (side === Side.SIDE_BUY ? 1 : -1) * quantity * reference,
    0,
  );
  expect(cash).toBeCloseTo(100_000 + atReference - fees - spreadCosts - slippageCosts - funding, 6);
});

type Step = (account: PaperAccount) => void;

/** Books, trades and orders of a market that moves, some seconds apart, over several days. */
function marketOf(steps: number): Step[] {
  const random = createRandom(5);
  let mid = 100;
  return Array.from({ length: steps }, (_, i): Step => {
    const time = T + i * 20_000;
    mid *= 1 + (random.next() - 0.5) * 0.002;
    const event = random.next() < 0.7 ? book(time, mid, { half: 0.01, size: 4 * random.next() + 0.01 }) : print(time, mid);
    const signal = random.next() < 0.5 ? order(time - 100, random.next() < 0.5 ? 1 : -1, ['1m', '5m', '15m'][i % 3]) : undefined;
    return (account) => {
      if (signal !== undefined) account.order(signal);
      if (i % 50 === 0) account.fund(0.0001 * (i % 7));
      account.clock(Math.floor(time / 1_000) * 1_000);
      account.meet(event);
    };
  });
}

function run(steps: readonly Step[], to: number, from = 0, state?: AccountState) {
  const opened = open({ latencyMs: 50, stake: 400, maxPosition: 2_000, dailyLoss: 400 }, 'kraken', state);
  for (const step of steps.slice(from, to)) step(opened.account);
  return opened;
}
