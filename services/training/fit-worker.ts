/** A thread of the fit pool: takes jobs one after another. */
import { parentPort, workerData } from 'node:worker_threads';
import { fitMembers } from '#libs/models/fit.ts';
import { type FitAnswer, type FitQuestion, type PoolData } from './fit-pool.ts';

const { tables } = workerData as PoolData;

parentPort?.on('message', ({ id, table, job }: FitQuestion) => {
  // A rejection ends the thread, which the pool reports.
  void fitMembers(tables[table]!, job).then((result) => parentPort?.postMessage({ id, result } satisfies FitAnswer));
});
