/** Jest's globalSetup: a folder where the suites of this run find the broker they share. Starts nothing. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export default function setup(): void {
  process.env['TRIBUTARY_TEST_RUN'] = mkdtempSync(join(tmpdir(), 'tributary-test-'));
  process.env['TRIBUTARY_TEST_RUN_PID'] = String(process.pid);
}
