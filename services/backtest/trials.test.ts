/** The ledger of trials: appended, counted by configuration, loud when it cannot be read. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { appendTrial, configurationOf, readTrials, type Trial, trialsOf } from './trials.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-trials-'));
});
afterAll(() => rm(folder, { recursive: true }));

const HEAD = 'kraken BTC-USD 1m entry';
const trial = (configuration: string, gross: number): Trial => ({
  ...{ at: '2026-01-01T00:00:00.000Z', configuration },
  sharpe: { [HEAD]: { gross, net: gross - 1 } },
});

test('what was appended is read, from a file that was not there', async () => {
  const file = join(folder, 'deep', 'trials.jsonl');
  expect(await readTrials(file)).toEqual([]);
  await appendTrial(file, trial('a', 0.1));
  await appendTrial(file, trial('b', 0.3));
  expect(await readTrials(file)).toEqual([trial('a', 0.1), trial('b', 0.3)]);
});

test('a configuration counts once, this one always; the variance is of those that had the head', () => {
  const none = { count: 0, variance: undefined };
  const known = [trial('a', 0.5), trial('a', 0.1), trial('b', 0.3)];
  expect(trialsOf(known, 'a', none).count).toBe(2);
  const counted = trialsOf(known, 'c', { count: 40, variance: undefined });
  expect(counted.count).toBe(43);
  expect(counted.of(HEAD, 'gross')).toEqual({ count: 43, variance: expect.closeTo(0.02, 12) });
  expect(counted.of('another', 'net')).toEqual({ count: 43, variance: undefined });
  expect(trialsOf(known, 'c', { count: 40, variance: 0.5 }).of(HEAD, 'net').variance).toBe(0.5);
});

test('what searches left in the store counts too, and the larger variance, which deflates more', () => {
  const none = { count: 0, variance: undefined };
  const known = [trial('a', 0.1), trial('b', 0.3)];
  const searched = { count: 500, variance: { gross: 0.001, net: 0.5 } };
  const counted = trialsOf(known, 'c', none, searched);
  expect(counted.of(HEAD, 'gross')).toEqual({ count: 503, variance: expect.closeTo(0.02, 12) });
  expect(counted.of(HEAD, 'net')).toEqual({ count: 503, variance: 0.5 });
  expect(counted.of('another', 'gross').variance).toBe(0.001);
  expect(trialsOf(known, 'c', { count: 1, variance: 0.7 }, searched).of(HEAD, 'net')).toEqual({ count: 504, variance: 0.7 });
});

test('a line that is none is an error, not a trial less', async () => {
  const file = join(folder, 'broken.jsonl');
  await writeFile(file, `${JSON.stringify(trial('a', 0.1))}\n{"at":`);
  await expect(readTrials(file)).rejects.toMatchObject({ code: 'TRB_TRIALS_UNREADABLE' });
});

test('any change of what decides is another trial', () => {
  expect(configurationOf({ seed: 1, without: [] })).toBe(configurationOf({ seed: 1, without: [] }));
  expect(configurationOf({ seed: 1, without: [] })).not.toBe(configurationOf({ seed: 2, without: [] }));
});
