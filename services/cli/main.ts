/** `tributary`: one binary. Each command stands in the folder of the service it runs; this file only lists them. */
import { Command, CommanderError } from 'commander';
import { readFileSync } from 'node:fs';
import { describeError, TributaryError } from '#libs/errors/errors.ts';
import { archiveCommand } from '#services/archive/main.ts';
import { backfillCommand } from '#services/backfill/main.ts';
import { backtestCommand } from '#services/backtest/main.ts';
import { clockCommand } from '#services/clock/main.ts';
import { contextCommand } from '#services/context/main.ts';
import { doctorCommand } from '#services/cli/doctor.ts';
import { evaluationCommand } from '#services/evaluation/main.ts';
import { featuresCommand } from '#services/features/main.ts';
import { gatewayCommand } from '#services/gateway/main.ts';
import { inferenceCommand } from '#services/inference/main.ts';
import { ingestCommand } from '#services/ingest/main.ts';
import { parityCommand } from '#services/parity/main.ts';
import { paperCommand } from '#services/paper/main.ts';
import { modelsCommand } from '#services/cli/models.ts';
import { replayCommand } from '#services/replay/main.ts';
import { rolloutCommand } from '#services/rollout/main.ts';
import { searchCommand } from '#services/search/main.ts';
import { signalsCommand } from '#services/gateway/signals.ts';
import { simulatorCommand } from '#services/simulator/main.ts';
import { storeCommand } from '#services/archive/store.ts';
import { topicsCommand } from '#services/cli/topics.ts';
import { trainCommand } from '#services/training/main.ts';
import { upCommand } from '#services/up/main.ts';

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
  description: string;
};

/** The command line with every command, before it has read anything. */
export function createProgram(): Command {
  const program = new Command('tributary')
    .description(manifest.description)
    .version(manifest.version)
    .showHelpAfterError('(tributary COMMAND --help lists the options)')
    .exitOverride();
  for (const command of [
    upCommand(),
    replayCommand(),
    backtestCommand(),
    featuresCommand(),
    trainCommand(),
    searchCommand(),
    modelsCommand(),
    signalsCommand(),
    doctorCommand(),
    ingestCommand(),
    clockCommand(),
    contextCommand(),
    inferenceCommand(),
    evaluationCommand(),
    paperCommand(),
    parityCommand(),
    rolloutCommand(),
    archiveCommand(),
    gatewayCommand(),
    backfillCommand(),
    simulatorCommand(),
    topicsCommand(),
    storeCommand(),
  ]) {
    program.addCommand(inherit(command, program));
  }
  return program;
}

/** Runs the command line; sets the exit code: 0 done, 1 failed, 2 wrong usage. */
export async function main(args: readonly string[]): Promise<void> {
  const program = createProgram();
  // Who reads has had enough, as `head` does after its lines: nothing is left to do.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (thrown) {
    process.exitCode = report(thrown);
  }
}

function inherit(command: Command, program: Command): Command {
  command.copyInheritedSettings(program);
  for (const nested of command.commands) inherit(nested, command);
  return command;
}

function report(thrown: unknown): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
  process.stderr.write(`error: ${describeError(thrown)}\n`);
  if (!(thrown instanceof TributaryError) && thrown instanceof Error) process.stderr.write(`${thrown.stack ?? ''}\n`);
  return thrown instanceof TributaryError && thrown.code === 'TRB_USAGE' ? 2 : 1;
}
