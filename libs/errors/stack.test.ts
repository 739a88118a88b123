import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildSync } from 'esbuild';
import { inSources } from './stack.ts';

describe('inSources', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tributary-stack-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** What a bundle of `source` says of the error that it throws. */
  function stackOf(sourcemap: boolean): string {
    const [source, bundle] = [join(folder, 'source.ts'), join(folder, `bundle-${sourcemap}.cjs`)];
    writeFileSync(
      source,
      'interface Unseen {\n  readonly a: number;\n}\nexport function fail(unseen: Unseen): never {\n  throw new Error(`at ${unseen.a}`);\n}\n',
    );
    buildSync({ entryPoints: [source], outfile: bundle, bundle: true, format: 'cjs', sourcemap });
    const script = `try { require(${JSON.stringify(bundle)}).fail({ a: 1 }); } catch (error) { process.stdout.write(error.stack); }`;
    return execFileSync(process.execPath, ['--eval', script], { encoding: 'utf8' });
  }

  it('names places in the sources of a bundle', () => {
    const stack = stackOf(true);
    expect(stack).toMatch(/bundle-true\.cjs:\d+:\d+/);
    expect(inSources(stack)).toContain(`${join(folder, 'source.ts')}:5:9`);
    expect(inSources(stack)).not.toContain('bundle-true.cjs');
    expect(inSources(stack).split('\n')[0]).toBe('Error: at 1');
  });

  it('leaves a stack as it is where there is no map', () => {
    const stack = stackOf(false);
    expect(stack).toContain('bundle-false.cjs');
    expect(inSources(stack)).toBe(stack);
  });
});
