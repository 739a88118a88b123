import { expect, test } from '@jest/globals';
import { type Message } from 'kafkajs';
import { systemClock } from '../../clock/clock.ts';
import { Lanes } from './lanes.ts';

/** Lanes at `now` by a clock that only their sleeps move; how long they slept, and what they sent. */
function lanesAt(now: number): { readonly lanes: Lanes; readonly slept: number[]; readonly sent: Message[][] } {
  const slept: number[] = [];
  const sent: Message[][] = [];
  const sleep = (ms: number): Promise<void> => {
    slept.push(ms);
    now += ms;
    return Promise.resolve();
  };
  const send = (_topic: string, _partition: number, messages: Message[]): Promise<void> => {
    sent.push(messages);
    return Promise.resolve();
  };
  return { lanes: new Lanes({ send }, { ...systemClock, now: () => now, sleep }), slept, sent };
}

const part = (text: string) => ({
  name: 'ticks',
  partition: 0,
  records: [{ topic: 'ticks' as const, key: 'BTC', value: Buffer.from(text) }],
});

test('what comes together goes in one request, in its order', async () => {
  const { lanes, slept, sent } = lanesAt(1_000_100);
  await Promise.all([lanes.send([part('a')]), lanes.send([part('b')])]);
  expect(sent.map((messages) => messages.map(({ value }) => String(value)))).toEqual([['a', 'b']]);
  expect(slept).toEqual([50]);
});

test('nothing waits past a whole second', async () => {
  const { lanes, slept, sent } = lanesAt(1_000_980);
  await lanes.send([part('a')]);
  expect(slept).toEqual([20]);
  expect(sent.flat().map(({ timestamp }) => timestamp)).toEqual(['1001000']);
});
