/** Compiles the client and, beside it, the code generated from proto/: `npm pack` calls this. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const here = import.meta.dirname;
const root = join(here, '..', '..');
const source = join(here, 'source');
rmSync(join(here, 'dist'), { recursive: true, force: true });
rmSync(source, { recursive: true, force: true });
mkdirSync(source);
try {
  const wire = 'libs/wire/tributary/v1/signals.ts';
  cpSync(join(root, wire), join(source, 'signals.ts'));
  const client = readFileSync(join(here, 'src', 'client.ts'), 'utf8').replaceAll(`'../../../${wire}'`, "'./signals.js'");
  writeFileSync(join(source, 'client.ts'), client);
  const options = [
    '--target',
    'es2022',
    '--module',
    'nodenext',
    '--types',
    'node',
    '--declaration',
    '--strict',
    '--skipLibCheck',
  ];
  const files = [join(source, 'client.ts'), '--outDir', join(here, 'dist')];
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  execFileSync(process.execPath, [tsc, ...options, ...files], { stdio: 'inherit', cwd: here });
} finally {
  rmSync(source, { recursive: true, force: true });
}
