/** The process that fits networks: takes fits one after another, tells of every epoch. */
import { TributaryError, messageOf } from '#libs/errors/errors.ts';
import { type VectorTable } from '#libs/models/vector-table.ts';
import { type Answer, type NetworkJob, type NetworkResult, type Question } from './network-pool.ts';
import { createNetworkTrainer, type NetworkTrainer } from './network-trainer.ts';
import { type Device, loadTensorflow } from './tensorflow.ts';

let tables: readonly VectorTable[] = [];
let device: Device = 'cpu';
let trainer: NetworkTrainer | undefined;
let last = Promise.resolve();

process.on('message', (message) => {
  const question = message as Question;
  if ('tables' in question) ({ tables, device } = question);
  else last = last.then(() => take(question));
});
// Nobody is left to fit for.
process.on('disconnect', () => process.exit(0));

async function take(question: Exclude<Question, { tables: unknown }>): Promise<void> {
  const { id } = question;
  try {
    trainer ??= createNetworkTrainer(loadTensorflow(device));
    if ('job' in question)
      answer({ id, result: await fit(trainer, question, (done, total) => answer({ id, progress: [done, total] })) });
    else answer({ id, ready: true });
  } catch (thrown) {
    const code = thrown instanceof TributaryError ? thrown.code : 'TRB_TRAINING_FAILED';
    const hint = thrown instanceof TributaryError ? (thrown.hint ?? '') : '';
    answer({ id, failed: { code, message: messageOf(thrown), hint } });
  }
}

async function fit(
  on: NetworkTrainer,
  { table, job }: { readonly table: number; readonly job: NetworkJob },
  progress: (done: number, total: number) => void,
): Promise<NetworkResult> {
  const { rows, outcomes, options } = job;
  const fitted = await on.fit({ table: tables[table]!, rows, outcomes }, options, progress, new AbortController().signal);
  const { inputs, deepInputs, adds, model, parameters, best } = fitted;
  return { inputs, deepInputs, adds, model, parameters, best };
}

function answer(message: Answer): void {
  process.send?.(message);
}
