/** The alerts, by promtool: they parse, and each comes where it has to and does not where it must not. */
import { beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LONGEST_FETCH_MS, tool } from './tools.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'deploy/prometheus');
const run = promisify(execFile);
let promtool: string;

beforeAll(async () => {
  promtool = await tool('promtool');
}, LONGEST_FETCH_MS);

test('promtool takes the rules', async () => {
  expect((await run(promtool, ['check', 'rules', join(FOLDER, 'rules/tributary.yml')])).stdout).toContain('SUCCESS');
});

test('every unit test of them passes', async () => {
  expect((await run(promtool, ['test', 'rules', join(FOLDER, 'tests/tributary.test.yml')])).stdout).toContain('SUCCESS');
});
