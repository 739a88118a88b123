/** A bounded run of the fuzzer; `npm run fuzz -- --seconds N --seed N` runs longer. */
import { expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { fuzz, textOf } from './run.ts';

test('5,000 hostile inputs of one seed crash nothing and hang nowhere', async () => {
  const findings = await fuzz(1, (count) => count >= 5_000);
  process.stdout.write(textOf(findings, 1));
  expect(findings.tried).toBeGreaterThanOrEqual(5_000);
  expect(findings.crashes.slice(0, 3)).toEqual([]);
}, 120_000);

test('an input that hangs is named', () => {
  const { signal, stderr } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', LOOP], {
    encoding: 'utf8',
  });
  expect({ signal, stderr }).toEqual({ signal: 'SIGKILL', stderr: 'hang: a loop, input 1000003\n' });
}, 60_000);

const LOOP = `import { fuzz } from '#tests/fuzz/run.ts';
await fuzz(1, () => false, [{ name: 'a loop', once: () => { for (;;); } }], 200);`;
