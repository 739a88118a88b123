import { expect, test } from '@jest/globals';
import { type Message } from 'kafkajs';
import { systemClock } from '../../clock/clock.ts';
import { Lanes } from './lanes.ts';

/** A clock that stands at `now` and moves on with each sleep alone. */
function standing(now: number): { readonly clock: typeof systemClock; readonly sleeps: number[] } {
  const sleeps: number[] = [];
  const clock = {
    ...systemClock,
    now: () => now + sleeps.reduce((sum, ms) => sum + ms, 0),
    sleep: (ms: number) => {
      sleeps.push(ms);
      return Promise.resolve();
    },
  };
  return { clock, sleeps };
}

function appending(): {
  readonly send: (topic: string, partition: number, messages: Message[]) => Promise<void>;
  readonly sent: Message[][];
} {
  const sent: Message[][] = [];
  return {
    sent,
    send: (_topic, _partition, messages) => {
      sent.push(messages);
      return Promise.resolve();
    },
  };
}

const part = (text: string) => ({
  name: 'ticks',
  partition: 0,
  records: [{ topic: 'ticks' as const, key: 'BTC', value: Buffer.from(text) }],
});

test('what comes together goes in one request, in its order', async () => {
  const appender = appending();
  const { clock, sleeps } = standing(1_000_100);
  const lanes = new Lanes(appender, clock);
  await Promise.all([lanes.send([part('a')]), lanes.send([part('b')])]);
  expect(appender.sent.map((messages) => messages.map(({ value }) => String(value)))).toEqual([['a', 'b']]);
  expect(sleeps).toEqual([50]);
});

test('nothing waits past a whole second', async () => {
  const appender = appending();
  const { clock, sleeps } = standing(1_000_980);
  await new Lanes(appender, clock).send([part('a')]);
  expect(sleeps).toEqual([20]);
  expect(appender.sent.flat().map(({ timestamp }) => timestamp)).toEqual(['1001000']);
});
