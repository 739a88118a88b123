/** Compiles the client and, beside it, the code generated from proto/: `npm pack` calls this. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const here = import.meta.dirname;
const root = join(here, '..', '..');
const source = join(here, 'source');
rmSync(join(here, 'dist'), { recursive: true, force: true });
rmSync(source, { recursive: true, force: true });
mkdirSync(source);
try {
  const wire = 'libs/wire/tributary/v1';
  for (const file of [join(root, wire, 'signals.ts'), join(root, wire, 'signal_service.ts'), join(here, 'src', 'client.ts')]) {
    const beside = readFileSync(file, 'utf8').replaceAll(
      new RegExp(`(['"])(?:\\./|../../../${wire}/)(\\w+)\\.ts\\1`, 'g'),
      "'./$2.js'",
    );
    writeFileSync(join(source, basename(file)), beside);
  }
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
