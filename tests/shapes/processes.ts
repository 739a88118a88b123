/** Services as an operator runs them: processes of the one binary, what they say in files, none left behind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Environment } from '#libs/secrets/secret.ts';

const BINARY = join(import.meta.dirname, '..', '..', 'bin', 'tributary.js');
const TAIL = 3_000;
const POLL_MS = 250;

export class Processes {
  readonly #folder: string;
  readonly #started = new Map<string, ChildProcess>();
  readonly #names = new Set<string>();
  readonly #deadline: NodeJS.Timeout;

  /** `folder`: where their output goes. Whatever still runs after `withinMs` is killed, and so whoever waits for it fails. */
  constructor(folder: string, withinMs: number) {
    this.#folder = folder;
    this.#deadline = setTimeout(() => void this.#end('SIGKILL'), withinMs);
  }

  /** A command that ends by itself; throws unless it ends with 0. */
  run(name: string, ...args: string[]): Promise<void> {
    return this.runWith({}, name, ...args);
  }

  /** With these variables besides. */
  async runWith(env: Environment, name: string, ...args: string[]): Promise<void> {
    const child = this.startWith(env, name, ...args);
    if (isRunning(child)) await once(child, 'exit');
    this.#started.delete(name);
    const { exitCode, signalCode } = child;
    if (exitCode !== 0) throw new Error(`${name} ended with ${exitCode ?? signalCode}:\n${this.tail(name)}`);
  }

  /** A service that runs until it is told to stop. */
  start(name: string, ...args: string[]): ChildProcess {
    return this.#spawn(BINARY, {}, name, args);
  }

  /** With these variables besides. */
  startWith(env: Environment, name: string, ...args: string[]): ChildProcess {
    return this.#spawn(BINARY, env, name, args);
  }

  /** One of another version. */
  startFrom(binary: string, name: string, ...args: string[]): ChildProcess {
    return this.#spawn(binary, {}, name, args);
  }

  #spawn(binary: string, variables: Environment, name: string, args: readonly string[]): ChildProcess {
    const output = openSync(this.#file(name), 'a');
    // Jest says that this is a test, and kafkajs then waits other times.
    const env = { ...process.env, NODE_ENV: 'production', ...variables };
    const child = spawn(process.execPath, [binary, ...args], { stdio: ['ignore', output, output], env });
    closeSync(output);
    this.#started.set(name, child);
    this.#names.add(name);
    return child;
  }

  output(name: string): string {
    return readFileSync(this.#file(name), 'utf8');
  }

  /** Of those that run, by name. */
  pids(): ReadonlyMap<string, number> {
    return new Map([...this.#started].filter(([, child]) => isRunning(child)).map(([name, child]) => [name, child.pid!]));
  }

  /** Waits for `condition`; throws when a service ends meanwhile. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      const ended = [...this.#started].filter(([, child]) => !isRunning(child)).map(([name]) => name);
      if (ended.length > 0) throw new Error(`${ended.join(', ')} ended by itself:\n${this.tail(ended[0]!)}`);
      await delay(POLL_MS);
    }
  }

  /** SIGTERM to all at once; how each ended, by name: 0 = it drained within its ten seconds. */
  async stop(): Promise<Readonly<Record<string, number | string | null>>> {
    const children = [...this.#started];
    await this.#end('SIGTERM');
    this.#started.clear();
    return Object.fromEntries(children.map(([name, child]) => [name, child.exitCode ?? child.signalCode]));
  }

  /** Ends what is left, without asking. */
  async kill(): Promise<void> {
    clearTimeout(this.#deadline);
    await this.#end('SIGKILL');
  }

  /** The end of what each has said, for whoever looks into a failure. */
  tails(): string {
    return [...this.#names].map((name) => `--- ${name}\n${this.tail(name)}`).join('\n');
  }

  tail(name: string): string {
    return this.output(name).slice(-TAIL);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const running = [...this.#started.values()].filter(isRunning);
    await Promise.all(
      running.map((child) => {
        const exited = once(child, 'exit');
        child.kill(signal);
        return exited;
      }),
    );
  }

  #file(name: string): string {
    return join(this.#folder, `${name}.log`);
  }
}

export function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}
