/** The built-in simulator in a process of its own: real sockets, and its work holds nobody's event loop. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { type Logger } from '#libs/telemetry/logger.ts';
import { type VenueEndpoints } from '#services/ingest/venues/registry.ts';

export interface SimulatorOptions {
  readonly seed: number;
  readonly edge: 'lag' | 'none';
  readonly symbols: readonly string[];
  readonly historyDays: number;
  readonly messagesPerSecond?: number;
}

export interface SimulatorProcess {
  readonly venues: Readonly<Record<string, VenueEndpoints>>;
  readonly close: () => Promise<void>;
}

const Started = z.object({
  urls: z.object({ coinbaseWs: z.url(), coinbaseRest: z.url(), krakenWs: z.url(), krakenRest: z.url() }),
});

/** Throws `TRB_SIMULATOR`. */
export async function startSimulatorProcess(
  options: SimulatorOptions,
  logger: Logger,
  signal: AbortSignal,
): Promise<SimulatorProcess> {
  const { seed, edge, symbols, historyDays, messagesPerSecond } = options;
  const args = [
    '--port',
    '0',
    '--seed',
    `${seed}`,
    '--edge',
    edge,
    '--symbols',
    symbols.join(','),
    '--history-days',
    `${historyDays}`,
    ...(messagesPerSecond === undefined ? [] : ['--messages-per-second', `${messagesPerSecond}`]),
  ];
  const binary = fileURLToPath(new URL('../../bin/tributary.js', import.meta.url));
  const child = fork(binary, ['simulator', ...args], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], detached: true });
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  // It draws its history for seconds: a stop does not wait for that.
  const stop = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const started = await Promise.race([once(child, 'message').then(([message]) => Started.safeParse(message)), exited]);
  signal.removeEventListener('abort', stop);
  if (typeof started !== 'object' || !started?.success) {
    child.kill();
    throw new TributaryError('TRB_SIMULATOR', 'The simulator did not start.', {
      hint: 'Run `npx tributary simulator` to see why.',
    });
  }
  const { urls } = started.data;
  logger.info({ urls, pid: child.pid }, 'the simulator runs');
  void exited.then((code) => {
    if (!signal.aborted) logger.error(`the simulator ended with ${code ?? 'a signal'}; its feeds stay silent until a restart`);
  });
  return {
    venues: { coinbase: { ws: urls.coinbaseWs, rest: urls.coinbaseRest }, kraken: { ws: urls.krakenWs, rest: urls.krakenRest } },
    close: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
