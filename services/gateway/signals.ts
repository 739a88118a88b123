/** `tributary signals tail`: signals as they come, from a running instance, through its loopback API. */
import { Command, Option } from 'commander';
import { TributaryError } from '#libs/errors/errors.ts';
import { bearer, TOKEN_HINT } from '#services/cli/access.ts';
import { untilStopped } from '#services/cli/process.ts';

interface SignalRow {
  readonly venue: string;
  readonly symbol: string;
  readonly horizon: string;
  readonly direction: string;
  readonly confidence: number;
  readonly reference_price: number;
  readonly published_at: number;
}

export function signalsCommand(): Command {
  const signals = new Command('signals').description('the signals of a running instance');
  signals
    .command('tail')
    .description('print each signal as it comes')
    .addOption(new Option('--url <url>', 'of the running instance').env('TRIBUTARY_URL').default('http://127.0.0.1:8787'))
    .option('--json', 'one JSON object a line', false)
    .action(async (options: { url: string; json: boolean }) => {
      const signal = untilStopped();
      const seen = new Set<string>();
      for await (const rows of pages(options.url, signal)) {
        for (const row of rows.filter((candidate) => !seen.has(keyOf(candidate)))) {
          seen.add(keyOf(row));
          process.stdout.write(`${options.json ? JSON.stringify(row) : line(row)}\n`);
        }
        while (seen.size > 10_000) seen.delete(seen.values().next().value!);
      }
    });
  return signals;
}

const keyOf = (row: SignalRow): string => `${row.venue}:${row.symbol}:${row.horizon}:${row.published_at}`;

function line(row: SignalRow): string {
  const time = new Date(row.published_at).toISOString().slice(11, 19);
  const name = `${row.venue} ${row.symbol} ${row.horizon}`.padEnd(26);
  return `${time}  ${name} ${row.direction.padEnd(5)} ${(row.confidence * 100).toFixed(1)} %  at ${row.reference_price}`;
}

/** The signals of each update of the instance's stream. */
async function* pages(url: string, signal: AbortSignal): AsyncGenerator<readonly SignalRow[]> {
  let text = '';
  for await (const chunk of await open(url, signal)) {
    text += chunk;
    const messages = text.split('\n\n');
    text = messages.pop()!;
    for (const message of messages) {
      const data = message.split('\n').find((part) => part.startsWith('data: '));
      if (data !== undefined) yield (JSON.parse(data.slice(6)) as { signals: SignalRow[] }).signals;
    }
  }
}

async function open(url: string, signal: AbortSignal): Promise<AsyncIterable<string>> {
  try {
    const response = await fetch(new URL('/api/stream', url), { signal, headers: bearer() });
    if (response.ok && response.body !== null) return response.body.pipeThrough(new TextDecoderStream());
    if (response.status === 401)
      throw new TributaryError('TRB_UNAUTHENTICATED', `${url} asks for a token.`, { hint: TOKEN_HINT });
    throw new Error(`it answered ${response.status}`);
  } catch (cause) {
    if (cause instanceof TributaryError) throw cause;
    throw new TributaryError('TRB_NOT_RUNNING', `No Tributary answers at ${url}.`, {
      hint: 'Start one with `npm start`, or name it with --url.',
      cause,
    });
  }
}
