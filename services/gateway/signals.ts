/** `tributary signals tail`: signals as they come, from a running instance, through its API; it reconnects and goes on where it was. */
import { Command, Option } from 'commander';
import { systemClock } from '#libs/clock/clock.ts';
import { TributaryError } from '#libs/errors/errors.ts';
import { type SignalJson } from '#libs/signals/json.ts';
import { bearer, TOKEN_HINT } from '#services/cli/access.ts';
import { horizons, names, symbols } from '#services/cli/options.ts';
import { untilStopped } from '#services/cli/process.ts';
import { CURSOR_HEADER } from './api.ts';

interface TailOptions {
  readonly url: string;
  readonly json: boolean;
  readonly symbols?: readonly string[];
  readonly venues?: readonly string[];
  readonly horizons?: readonly string[];
  readonly abstentions: boolean;
}

/** One server-sent event. */
interface Event {
  readonly id: string;
  readonly data: string;
}

const RECONNECT_MS = 1_000;

export function signalsCommand(): Command {
  const signals = new Command('signals').description('the signals of a running instance');
  signals
    .command('tail')
    .description('print the newest signals, then each as it comes')
    .addOption(new Option('--url <url>', 'of the running instance').env('TRIBUTARY_URL').default('http://127.0.0.1:8787'))
    .addOption(new Option('--symbols <list>', 'of these only').argParser(symbols))
    .addOption(new Option('--venues <list>', 'of these only').argParser(names))
    .addOption(new Option('--horizons <list>', 'of these only').argParser(horizons))
    .option('--abstentions', 'those decisions too that are no signal', false)
    .option('--json', 'one JSON object a line (docs/signals.md)', false)
    .action((options: TailOptions) => tail(options, untilStopped()));
  return signals;
}

async function tail(options: TailOptions, signal: AbortSignal): Promise<void> {
  const print = (row: SignalJson): void => void process.stdout.write(`${options.json ? JSON.stringify(row) : line(row)}\n`);
  const newest = await ask('/api/signals', options, signal);
  let cursor = newest.headers.get(CURSOR_HEADER) ?? '';
  for (const row of (await newest.json()) as SignalJson[]) print(row);
  const isOver = (): boolean => signal.aborted;
  while (!isOver()) {
    try {
      const stream = await ask('/api/signals/stream', options, signal, { 'last-event-id': cursor });
      for await (const { id, data } of eventsIn(stream.body!.pipeThrough(new TextDecoderStream()))) {
        cursor = id;
        if (data !== '') print(JSON.parse(data) as SignalJson);
      }
    } catch (thrown) {
      if (isOver()) return;
      // Away for a moment; what it refuses, it will refuse again.
      if (thrown instanceof TributaryError && thrown.code !== 'TRB_NOT_RUNNING') throw thrown;
    }
    await systemClock.sleep(RECONNECT_MS, signal);
  }
}

function line(row: SignalJson): string {
  const time = new Date(row.published_at).toISOString().slice(11, 19);
  const name = `${row.venue} ${row.symbol} ${row.horizon}`.padEnd(26);
  const reason = row.direction === 'abstain' ? `  ${row.abstain_reason}` : '';
  return `${time}  ${name} ${row.direction.padEnd(7)} ${(row.confidence * 100).toFixed(1)} %  at ${row.reference_price}${reason}`;
}

async function* eventsIn(text: AsyncIterable<string>): AsyncGenerator<Event> {
  let rest = '';
  for await (const chunk of text) {
    const events = (rest + chunk).split('\n\n');
    rest = events.pop()!;
    for (const event of events) {
      const fields = event.split('\n');
      const valueOf = (name: string): string => fields.find((each) => each.startsWith(`${name}: `))?.slice(name.length + 2) ?? '';
      yield { id: valueOf('id'), data: valueOf('data') };
    }
  }
}

async function ask(
  path: string,
  { url, symbols = [], venues = [], horizons = [], abstentions }: TailOptions,
  signal: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const filter = { symbols: symbols.join(), venues: venues.join(), horizons: horizons.join(), abstentions: String(abstentions) };
  const address = new URL(`${path}?${new URLSearchParams(filter).toString()}`, url);
  const response = await fetch(address, { signal, headers: { ...headers, ...bearer() } }).catch((cause: unknown) => cause);
  if (response instanceof Response && response.ok) return response;
  if (response instanceof Response && response.status === 401) {
    throw new TributaryError('TRB_UNAUTHENTICATED', `${url} asks for a token.`, { hint: TOKEN_HINT });
  }
  if (response instanceof Response && response.status === 410) {
    throw new TributaryError('TRB_CURSOR_EXPIRED', 'The log does not reach back to where it was any more.', {
      hint: 'Start again.',
    });
  }
  throw new TributaryError('TRB_NOT_RUNNING', `No Tributary answers at ${url}.`, {
    hint: 'Start one with `npm start`, or name it with --url.',
    cause: response instanceof Response ? new Error(`it answered ${response.status}`) : response,
  });
}
