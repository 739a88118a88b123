import { describe, expect, test } from '@jest/globals';
import { partitionOf } from '#libs/log/topics.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';

describe('partitionOf', () => {
  test('is FNV-1a modulo the partitions, so that every adapter and language agrees', () => {
    expect(partitionOf('BTC', 32)).toBe(0x948e42c0 % 32);
    expect(partitionOf('', 1)).toBe(0);
  });
});

test('a tick survives the wire', () => {
  const tick = Tick.fromPartial({ asset: 'BTC', event: { $case: 'trade', value: { tradeId: 7, price: 1.5 } } });
  expect(Tick.decode(Tick.encode(tick).finish())).toEqual(tick);
});
