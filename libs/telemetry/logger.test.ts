import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

/** What a process says that logs each of `thrown`, expressions, as `err`. */
function logged(...thrown: readonly string[]): unknown[] {
  const script = `import { createLogger } from ${JSON.stringify(join(import.meta.dirname, 'logger.ts'))};
    const logger = createLogger({ pretty: false });
    for (const err of [${thrown.join(', ')}]) logger.error({ err }, 'failed');`;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
  const lines = execFileSync(process.execPath, args, { encoding: 'utf8' }).trim().split('\n');
  return lines.map((line) => (JSON.parse(line) as { readonly err?: unknown }).err);
}

test('says what an error is and where it came from, and takes whatever else is thrown', () => {
  const [error, ...others] = logged("new TypeError('no', { cause: new Error('why') })", "'text'", 'null', 'undefined');
  expect(error).toMatchObject({ type: 'TypeError', message: 'no: why', stack: expect.stringContaining('caused by: Error: why') });
  expect(others).toEqual(['text', null, undefined]);
});
