/**
 * Fits networks in a child process, since TensorFlow has one copy a process and holds its thread for the length of a step. One fit at a
 * time; a child that dies takes its fit with it, and the next attempt goes on from the fit's checkpoint.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { TributaryError } from '#libs/errors/errors.ts';
import { type Outcome } from '#libs/models/trainer.ts';
import { type VectorTable } from '#libs/models/vector-table.ts';
import { type FittedNetwork, type NetworkOptions } from './network-trainer.ts';
import { type Device, isTensorflowStaged, tensorflowMissing } from './tensorflow.ts';

export interface NetworkJob {
  /** Rows of the table to train on, oldest first, and what came of each, by outcome. */
  readonly rows: Int32Array;
  readonly outcomes: readonly Outcome[];
  readonly options: NetworkOptions;
}

/** A fitted network without its way to score, which does not travel: `scoreWindows` does it anywhere. */
export type NetworkResult = Omit<FittedNetwork, 'score'>;

export interface NetworkPool {
  /** `table`: place in the pool's tables; `progress`: epochs done, of at most. Rejects with `TRB_TRAINING_FAILED`. */
  fit(table: number, job: NetworkJob, progress?: (done: number, total: number) => void): Promise<NetworkResult>;
  /** Loads TensorFlow; rejects with what a fit would reject with where it is not to be had as asked for. */
  ready(): Promise<void>;
  /** Of the child. */
  readonly pid: number;
  close(): Promise<void>;
}

/** To the child: first the tables, then one fit after another. */
export type Question =
  | { readonly tables: readonly VectorTable[]; readonly device: Device }
  | { readonly id: number }
  | { readonly id: number; readonly table: number; readonly job: NetworkJob };

/** From the child, for the fit `id`. */
export type Answer = { readonly id: number } & (
  | { readonly progress: readonly [done: number, total: number] }
  | { readonly ready: true }
  | { readonly result: NetworkResult }
  | { readonly failed: { readonly code: TributaryError['code']; readonly message: string; readonly hint: string } }
);

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
  readonly progress: (done: number, total: number) => void;
}

export interface NetworkPoolOptions {
  /** Of TensorFlow; the results depend on their number. */
  readonly threads: number;
  /** `gpu`: fits reject with `TRB_TENSORFLOW_GPU` where TensorFlow does not use one. Default cpu. */
  readonly device?: Device;
}

/** Throws `TRB_TENSORFLOW_MISSING`. */
export function createNetworkPool(tables: readonly VectorTable[], options: NetworkPoolOptions): NetworkPool {
  if (!isTensorflowStaged()) throw tensorflowMissing();
  const device = options.device ?? 'cpu';
  const child = start(options.threads, device);
  const waiting = new Map<number, Waiting>();
  let said = '';
  let lastId = 0;
  child.stderr?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)));
  child.on('message', (message) => {
    const answer = message as Answer;
    const fit = waiting.get(answer.id);
    if (fit === undefined) return;
    if ('progress' in answer) {
      fit.progress(...answer.progress);
      return;
    }
    waiting.delete(answer.id);
    if (!('failed' in answer)) {
      fit.resolve(answer);
      return;
    }
    const { code, message: what, hint } = answer.failed;
    // What it wrote before it answered may be read after the answer.
    setImmediate(() =>
      fit.reject(new TributaryError(code, `${what}${code === 'TRB_TENSORFLOW_GPU' ? whyNot(said) : ''}`, { hint })),
    );
  });
  const exited = once(child, 'exit').then(() => {
    const error = new TributaryError(
      'TRB_TRAINING_FAILED',
      `The process that fits networks ended. ${said.trim().split('\n').at(-1) ?? ''}`,
      {
        hint: 'Often too little memory: train on fewer days or symbols. A fit with a checkpoint goes on from it.',
        canRetry: true,
      },
    );
    for (const fit of waiting.values()) fit.reject(error);
    waiting.clear();
  });
  const answerTo = (question: object, progress: Waiting['progress'] = () => undefined): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const id = ++lastId;
      waiting.set(id, { resolve, reject, progress });
      ask(child, { ...question, id });
    });
  ask(child, { tables, device });
  return {
    pid: child.pid ?? 0,
    async fit(table, job, progress) {
      const answer = await answerTo({ table, job }, progress);
      if (!('result' in answer)) throw new TypeError('the process answered something else');
      return answer.result;
    },
    async ready() {
      await answerTo({});
    },
    async close() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** What TensorFlow gave as the reason for the CPU. */
function whyNot(said: string): string {
  const reason = /\] ((?:Could not find|Cannot dlopen|failed call|failed to create).*)/.exec(said)?.[1];
  return reason === undefined ? '' : ` TensorFlow: ${reason}`;
}

function start(threads: number, device: Device): ChildProcess {
  return fork(fileURLToPath(new URL('./network-process.js', import.meta.url)), {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
    execArgv: [],
    env: {
      ...process.env,
      TF_NUM_INTRAOP_THREADS: String(threads),
      TF_NUM_INTEROP_THREADS: '1',
      // It is read only when something fails; why there is no GPU is no error to TensorFlow.
      TF_CPP_MIN_LOG_LEVEL: device === 'gpu' ? '0' : '2',
    },
  });
}

function ask(child: ChildProcess, question: Question): void {
  // Where it cannot be asked any more it has ended, and every fit hears of that.
  child.send(question, () => undefined);
}
