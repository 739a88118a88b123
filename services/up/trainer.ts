/** Training in a child process: the parent exports the history, the child folds it, fits the ensemble and leaves a bundle. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { type Bundle } from '#libs/models/bundle.ts';
import { openBundle } from '#libs/models/signature.ts';
import { trustIn } from '#libs/registry/operator-key.ts';

export interface TrainingOptions {
  /** Candles, in a format of libs/history. */
  readonly history: string;
  /** Context values, likewise. */
  readonly context?: string | undefined;
  readonly out: string;
  readonly seed: number;
  /** Of the operator: a file, made where there is none, or the PEM itself. */
  readonly key: string;
  /** Fewer trees and rows: what a fresh install starts with. */
  readonly quick: boolean;
  /** Default: trees and logistic regression. `incumbent` needs TensorFlow. */
  readonly models?: 'incumbent' | undefined;
  readonly onProgress: (done: number, total: number) => void;
}

const ProgressMessage = z.object({ progress: z.object({ done: z.number(), total: z.number() }) });

/** Throws `TRB_TRAINING` when the child fails. Aborting ends the child. */
export async function trainInChild(
  options: TrainingOptions,
  signal: AbortSignal,
): Promise<{ readonly bundle: Bundle; readonly bytes: Uint8Array }> {
  const args = [
    'train',
    '--history',
    options.history,
    '--out',
    options.out,
    '--horizons',
    '1m,5m,15m',
    '--seed',
    `${options.seed}`,
  ];
  const child = fork(
    fileURLToPath(new URL('../../bin/tributary.js', import.meta.url)),
    [
      ...args,
      ...(options.context === undefined ? [] : ['--context', options.context]),
      ...(options.quick ? ['--quick'] : []),
      ...(options.models === undefined ? [] : ['--models', options.models]),
    ],
    {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // Not as an argument: those are seen by every user of the machine.
      env: { ...process.env, TRIBUTARY_BUNDLE_KEY: options.key },
    },
  );
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)));
  child.on('message', (message) => {
    const parsed = ProgressMessage.safeParse(message);
    if (parsed.success) options.onProgress(parsed.data.progress.done, parsed.data.progress.total);
  });
  // It holds nothing that a kill could spoil: the bundle appears by a rename.
  const stop = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  const [code] = (await once(child, 'exit')) as [number | null];
  signal.removeEventListener('abort', stop);
  if (code !== 0) {
    throw new TributaryError(
      'TRB_TRAINING',
      `Training ended with ${code ?? 'a signal'}: ${said.trim().split('\n').at(-1) ?? ''}`,
      {
        hint: 'The signals stay silent until a model is trained; it is tried again.',
        canRetry: true,
      },
    );
  }
  const bytes = await readFile(options.out);
  return { bundle: openBundle(bytes, trustIn(options.key)()), bytes };
}
