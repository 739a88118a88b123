/** Fits members on worker threads that share the vectors' memory, or in this thread where there are none. Results do not depend on which. */
import { setImmediate as yieldToEvents } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { messageOf, TributaryError } from '#libs/errors/errors.ts';
import { type FitJob, fitMembers, type FitResult } from '#libs/models/fit.ts';
import { type VectorTable } from '#libs/models/vector-table.ts';

export interface FitPool {
  /** `table`: place in the pool's tables. Rejects with `TRB_TRAINING_FAILED`. */
  fit(table: number, job: FitJob): Promise<FitResult>;
  close(): Promise<void>;
}

/** Messages to and from a worker. */
export interface FitQuestion {
  readonly id: number;
  readonly table: number;
  readonly job: FitJob;
}
export interface FitAnswer {
  readonly id: number;
  readonly result: FitResult;
}
export interface PoolData {
  readonly tables: readonly VectorTable[];
}

/** `workers`: threads; 0 = none. `tables` should be shared (shareTable), else each worker copies them. */
export function createFitPool(tables: readonly VectorTable[], workers: number): FitPool {
  return workers === 0 ? inThisThread(tables) : onThreads(tables, workers);
}

/** Moves a table into memory that threads share. */
export function shareTable(table: VectorTable): VectorTable {
  const t = new Float64Array(new SharedArrayBuffer(table.t.byteLength));
  const values = new Float32Array(new SharedArrayBuffer(table.values.byteLength));
  t.set(table.t);
  values.set(table.values);
  const { venue, instrument, columns, quality } = table;
  return { venue, instrument, columns, t, values, ...(quality === undefined ? {} : { quality }) };
}

function inThisThread(tables: readonly VectorTable[]): FitPool {
  return {
    async fit(table, job) {
      await yieldToEvents();
      return fitMembers(tables[table]!, job);
    },
    close: () => Promise.resolve(),
  };
}

interface Waiting extends FitQuestion {
  readonly resolve: (result: FitResult) => void;
  readonly reject: (error: Error) => void;
}

function onThreads(tables: readonly VectorTable[], workers: number): FitPool {
  const queue: Waiting[] = [];
  const running = new Map<Worker, Waiting>();
  let failure: TributaryError | undefined;
  let lastId = 0;
  const workerData: PoolData = { tables };
  const threads = Array.from({ length: workers }, () => {
    const worker = new Worker(new URL('./fit-thread.js', import.meta.url), { workerData, execArgv: [] });
    worker.on('message', ({ result }: FitAnswer) => {
      const done = running.get(worker);
      running.delete(worker);
      next(worker);
      done?.resolve(result);
    });
    worker.on('error', (cause) => fail(`A training thread failed: ${messageOf(cause)}.`, cause));
    worker.on('exit', () => fail('A training thread ended.'));
    return worker;
  });

  function next(worker: Worker): void {
    const waiting = running.has(worker) ? undefined : queue.shift();
    if (waiting === undefined) return;
    running.set(worker, waiting);
    worker.postMessage({ id: waiting.id, table: waiting.table, job: waiting.job } satisfies FitQuestion);
  }

  function fail(message: string, cause?: unknown): void {
    failure ??= new TributaryError('TRB_TRAINING_FAILED', message, {
      hint: 'Often too little memory: train on fewer days or symbols.',
      cause,
    });
    for (const waiting of [...queue.splice(0), ...running.values()]) waiting.reject(failure);
    running.clear();
  }

  return {
    fit(table, job) {
      return new Promise((resolve, reject) => {
        if (failure !== undefined) {
          reject(failure);
          return;
        }
        queue.push({ id: ++lastId, table, job, resolve, reject });
        threads.forEach(next);
      });
    },
    async close() {
      await Promise.all(threads.map((worker) => worker.terminate()));
    },
  };
}
