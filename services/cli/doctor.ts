/** `tributary doctor`: what is reachable, what is missing, and what to do about it; one line each. */
import { Command, Option } from 'commander';
import { execFileSync } from 'node:child_process';
import { describeError } from '#libs/errors/errors.ts';
import { bearer, TOKEN_HINT } from './access.ts';
import { type KafkaChoice, toKafkaOptions } from './kafka.ts';
import { contextSourcesOption, kafkaOptions, symbolsOption } from './options.ts';

interface Finding {
  readonly what: string;
  readonly state: 'ok' | 'off' | 'missing' | 'blocked' | 'failed';
  readonly detail: string;
}

interface DoctorOptions extends Omit<KafkaChoice, 'brokers'> {
  readonly url: string;
  readonly brokers?: string[];
  readonly symbols: readonly string[];
  readonly contextSources: readonly string[];
}

export function doctorCommand(): Command {
  const command = new Command('doctor')
    .description('what is reachable, what is missing, what to do')
    .addOption(new Option('--url <url>', 'of a running instance').env('TRIBUTARY_URL').default('http://127.0.0.1:8787'))
    .addOption(symbolsOption())
    .addOption(contextSourcesOption());
  for (const option of kafkaOptions()) command.addOption(option.makeOptionMandatory(false));
  return command.action(async (options: DoctorOptions) => {
    const { brokers } = options;
    const remote = [
      ...(await venues()),
      instance(options.url),
      ...(brokers === undefined ? [] : [kafka({ ...options, brokers })]),
    ];
    const [found, sources] = await Promise.all([Promise.all(remote), contextSources(options)]);
    const findings = [node(), java(), ...found, ...sources];
    for (const { what, state, detail } of findings) process.stdout.write(`${state.padEnd(8)} ${what.padEnd(16)} ${detail}\n`);
    if (findings.some((finding) => finding.state === 'failed')) process.exitCode = 1;
  });
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const fits = (major === 20 && minor >= 19) || major === 21 || major === 22;
  return {
    what: 'Node',
    state: fits ? 'ok' : 'failed',
    detail: fits ? process.versions.node : `${process.versions.node}: use Node 20.19 or later, or 22`,
  };
}

function java(): Finding {
  try {
    execFileSync('java', ['-version'], { stdio: 'ignore' });
    execFileSync('mvn', ['-version'], { stdio: 'ignore' });
    return { what: 'Java and Maven', state: 'ok', detail: 'the tests can start a Kafka of their own' };
  } catch {
    return { what: 'Java and Maven', state: 'missing', detail: 'only the tests on Kafka need them; or set KAFKA_BROKERS' };
  }
}

async function venues(): Promise<Promise<Finding>[]> {
  const { DEFAULT_VENUES, probeVenue, VENUES } = await import('#services/ingest/venues/registry.ts');
  return Object.keys(VENUES).map(async (venue): Promise<Finding> => {
    const isDefault = DEFAULT_VENUES.includes(venue);
    const answer = await probeVenue(venue, { timeoutMs: 5_000 });
    const use = isDefault ? '' : `; listened to with --venues …,${venue}`;
    if (answer === 'answers') return { what: venue, state: 'ok', detail: `answers${use}` };
    if (answer === 'blocked')
      return {
        what: venue,
        state: 'blocked',
        detail: 'does not serve this address or country (403 or 451): it switches itself off',
      };
    const meanwhile = isDefault ? ': check the network; `npm start` runs against the simulator meanwhile' : use;
    return { what: venue, state: 'missing', detail: `does not answer${meanwhile}` };
  });
}

async function instance(url: string): Promise<Finding> {
  try {
    const response = await fetch(new URL('/api/status', url), { signal: AbortSignal.timeout(2_000), headers: bearer() });
    if (response.status === 401) return { what: 'instance', state: 'blocked', detail: `${url} asks for a token. ${TOKEN_HINT}` };
    const status = (await response.json()) as { source: string; uptime_s: number };
    return {
      what: 'instance',
      state: 'ok',
      detail: `runs at ${url} on ${status.source} data since ${Math.round(status.uptime_s)} s`,
    };
  } catch {
    return { what: 'instance', state: 'missing', detail: `none at ${url}: \`npm start\` runs one` };
  }
}

/** A line for each context source; a running instance is asked what it has learned of them. */
async function contextSources({ url, symbols, contextSources: chosen }: DoctorOptions): Promise<Finding[]> {
  const { contextFindings, readStates } = await import('#services/context/doctor.ts');
  const states = await readStates(url);
  return contextFindings({ chosen, symbols, environment: process.env, states });
}

async function kafka(choice: KafkaChoice): Promise<Finding> {
  const { openKafkaLog } = await import('#libs/log/kafka.ts');
  try {
    const log = await openKafkaLog({ ...toKafkaOptions(choice), clientId: 'tributary-doctor' });
    const partitions = await log.partitions('ticks').finally(() => log.close());
    return { what: 'Kafka', state: 'ok', detail: `ticks has ${partitions} partitions` };
  } catch (thrown) {
    return { what: 'Kafka', state: 'failed', detail: describeError(thrown) };
  }
}
