/** A thread of the fit pool: takes jobs one after another. */
import { parentPort, workerData } from 'node:worker_threads';
import { fitMembers } from '#libs/models/fit.ts';
import { type FitAnswer, type FitQuestion, type PoolData } from './fit-pool.ts';

const { tables } = workerData as PoolData;

parentPort?.on('message', ({ id, table, job }: FitQuestion) => {
  const answer: FitAnswer = { id, result: fitMembers(tables[table]!, job) };
  parentPort?.postMessage(answer);
});
