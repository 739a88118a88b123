/**
 * The examples as a newcomer has them: packages built and installed into an empty folder, bots of both languages against a running
 * `tributary up` on the simulator, killed in between; then the notebook on the archive that it left.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePorts } from '#tests/ports.ts';
import { Processes } from '#tests/shapes/processes.ts';
import { expectSameFigures, notebookPython } from './notebook.ts';
import { LONGEST_INSTALL_MS } from './python.ts';

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);
const LONGEST_MS = 600_000;

interface Line {
  readonly what: string;
  readonly id?: string;
  readonly goesOn?: boolean;
}

let folder: string;
let processes: Processes;
let grpc: string;
let page: string;

beforeAll(async () => {
  await notebookPython();
  folder = mkdtempSync(join(tmpdir(), 'tributary-examples-'));
  processes = new Processes(folder, LONGEST_MS);
  const [port, grpcPort] = await freePorts(2);
  grpc = `127.0.0.1:${grpcPort}`;
  page = `http://127.0.0.1:${port}`;
  const data = ['--source', 'sim', '--symbols', 'BTC-USD', '--history-days', '1', '--data-dir', join(folder, 'data')];
  processes.start('up', 'up', ...data, '--port', `${port}`, '--grpc-port', `${grpcPort}`);
  // Packages are made while the instance trains.
  await Promise.all([installTypeScript(), installPython()]);
  await until(async () => ((await status())['decisions'] as number) > 0);
}, LONGEST_INSTALL_MS);

afterAll(async () => {
  await processes.stop();
  await processes.kill();
  rmSync(folder, { recursive: true });
}, 60_000);

async function status(): Promise<Record<string, unknown>> {
  const answer = await fetch(new URL('/api/status', page)).catch(() => undefined);
  return answer === undefined ? { decisions: 0 } : ((await answer.json()) as Record<string, unknown>);
}

async function installTypeScript(): Promise<void> {
  const place = join(folder, 'typescript');
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', folder], {
    cwd: join(ROOT, 'clients/typescript'),
  });
  await run('mkdir', ['-p', place]);
  writeFileSync(join(place, 'package.json'), '{ "private": true, "type": "module" }');
  const packages = [join(folder, stdout.trim().split('\n').at(-1)!), 'tsx@4.23.15', 'typescript@5.9.3', '@types/node@20'];
  await run('npm', ['install', '--silent', '--no-audit', '--no-fund', ...packages], { cwd: place });
  copyFileSync(join(ROOT, 'examples/bot-typescript/bot.ts'), join(place, 'bot.ts'));
}

async function installPython(): Promise<void> {
  const place = join(folder, 'python');
  await run('python3', ['-m', 'venv', place]);
  const pip = (...args: string[]) => run(join(place, 'bin/pip'), ['--quiet', '--disable-pip-version-check', ...args]);
  await pip('wheel', '--no-deps', '--wheel-dir', folder, join(ROOT, 'clients/python'));
  await pip(
    'install',
    join(
      folder,
      readdirSync(folder).find((name) => name.endsWith('.whl'))!,
    ),
  );
  copyFileSync(join(ROOT, 'examples/bot-python/bot.py'), join(place, 'bot.py'));
}

const BOTS = {
  typescript: () => [process.execPath, ['--import', 'tsx', 'bot.ts']],
  python: () => [join(folder, 'python/bin/python'), ['bot.py']],
} as const satisfies Record<string, () => readonly [string, readonly string[]]>;

class Bot {
  readonly child: ChildProcess;
  readonly lines: Line[] = [];

  constructor(language: keyof typeof BOTS) {
    const [command, args] = BOTS[language]();
    this.child = spawn(command, [...args, grpc, 'state.json'], {
      cwd: join(folder, language),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let rest = '';
    this.child.stdout!.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop()!;
      this.lines.push(...lines.map((line) => JSON.parse(line) as Line));
    });
  }

  seen(): string[] {
    return this.lines.filter(({ what }) => what === 'signal').map(({ id }) => id!);
  }

  async kill(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }
}

test('the command line says of the running instance what decides, how it fares, and what is reachable, and prints its decisions', async () => {
  const asked = (...args: string[]) => run(process.execPath, [join(ROOT, 'bin/tributary.js'), ...args, '--url', page]);
  const [list, show, doctor] = await Promise.all([
    asked('models', 'list'),
    asked('models', 'show', 'champion'),
    asked('doctor', '--context-sources', 'none'),
  ]);
  const id = /^champion +([0-9a-f]{16}) +from .* by up: /m.exec(list.stdout)?.[1];
  expect(show.stdout).toContain(`champion   ${id!}`);
  expect(doctor.stdout).toMatch(new RegExp(`^ok +instance +runs at ${page} on sim data`, 'm'));
  const tail = spawn(
    process.execPath,
    [join(ROOT, 'bin/tributary.js'), 'signals', 'tail', '--abstentions', '--json', '--url', page],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const [chunk] = (await once(tail.stdout, 'data')) as [Buffer];
  tail.kill();
  const decision = JSON.parse(chunk.toString().split('\n')[0]!) as Record<string, unknown>;
  expect(decision).toMatchObject({ symbol: 'BTC-USD', source: 'sim' });
});

test('the bot in TypeScript is typed by the installed package', async () => {
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node', '--skipLibCheck'];
  const { stdout } = await run('npx', ['tsc', ...options, 'bot.ts'], { cwd: join(folder, 'typescript') });
  expect(stdout).toBe('');
});

test(
  'the bots follow the signals, are killed, go on behind the last one without a hole or a repeat, and do not act on what they missed',
  // Side by side: what they wait for are minutes.
  () => Promise.all((['typescript', 'python'] as const).map(followKilled)),
  LONGEST_MS,
);

async function followKilled(language: keyof typeof BOTS): Promise<void> {
  const first = new Bot(language);
  await until(() => first.seen().length >= 2);
  await first.kill();
  const kept = JSON.parse(readFileSync(join(folder, language, 'state.json'), 'utf8')) as { cursor: string };
  // Longer than a signal of a minute is valid, so that what is missed is stale.
  const missed = await decisionsAfter(kept.cursor, 4);
  const second = new Bot(language);
  await until(() => second.seen().length >= missed.length);
  await second.kill();
  expect(second.lines[0]).toMatchObject({ what: 'start', goesOn: true });
  expect(second.seen().slice(0, missed.length)).toEqual(missed);
  expect(new Set([...first.seen(), ...second.seen()]).size).toBeGreaterThanOrEqual(first.seen().length + missed.length - 1);
}

/** Identities of the one-minute decisions behind a cursor, once there are `count`. */
async function decisionsAfter(cursor: string, count: number): Promise<string[]> {
  for (;;) {
    const query = new URLSearchParams({ after: cursor, abstentions: 'true', horizons: '1m' });
    const rows = (await (await fetch(new URL(`/api/signals?${query.toString()}`, page))).json()) as Record<string, string>[];
    const names = rows.map(({ venue, symbol, horizon, t }) => `${venue!}:${symbol!}:${horizon!}:${t!}`);
    if (names.length >= count) return names.slice(0, count);
    await delay(500);
  }
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(250);
}

test(
  'the notebook says of the archive what the log says',
  async () => {
    expect(await processes.stop()).toEqual({ up: 0 });
    await expectSameFigures(join(folder, 'data/sim'), folder);
  },
  LONGEST_MS,
);
