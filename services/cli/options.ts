/** Options that several commands share, each with one environment variable; values are checked here, once. */
import { InvalidArgumentError, Option } from 'commander';
import { DEFAULT_KEY, publicKeyFile } from '#libs/registry/operator-key.ts';
import { type Horizon, isHorizon, type Lane, LANES } from '#libs/market/horizon.ts';
import { parseInstrument } from '#libs/market/instrument.ts';
import { describeError } from '#libs/errors/errors.ts';
import { DEFAULT_VENUES, findVenue } from '#services/ingest/venues/registry.ts';

const DURATION_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `90s`, `15m`, `6h`, `2d` -> milliseconds. */
export function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text);
  if (match === null) throw new InvalidArgumentError('Write a number and s, m, h or d, for instance 2d.');
  return Number(match[1]) * DURATION_MS[match[2] as keyof typeof DURATION_MS];
}

/** An instant: `2023-03-08T00:00:00Z` or `2023-03-08`, UTC -> milliseconds. */
export function instant(text: string): number {
  const t = Date.parse(/[zZ]|[+-]\d\d:?\d\d$/.test(text) || !text.includes('T') ? text : `${text}Z`);
  if (Number.isNaN(t)) throw new InvalidArgumentError('Write a date as 2023-03-08 or 2023-03-08T00:00:00Z.');
  return t;
}

export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || value > most)
      throw new InvalidArgumentError(`Write a whole number from ${least} to ${most}.`);
    return value;
  };
}

/** A number between 0 and 1. */
export function fraction(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError('Write a number between 0 and 1, for instance 0.05.');
  return value;
}

/** `BTC-USD,ETH-USD` */
export function symbols(text: string): string[] {
  return list(text, (name) => {
    try {
      return parseInstrument(name.toUpperCase()).name;
    } catch (thrown) {
      throw new InvalidArgumentError(describeError(thrown));
    }
  });
}

/** `1m,5m` */
export function horizons(text: string): Horizon[] {
  return list(text, (name) => {
    if (!isHorizon(name)) throw new InvalidArgumentError(`"${name}" is no horizon; there are 1m, 5m and 15m.`);
    return name;
  });
}

/** `slow` or `slow,fast` */
export function lanes(text: string): Lane[] {
  const chosen = list(text, (name) => {
    const lane = LANES.find((each) => each === name);
    if (lane === undefined) throw new InvalidArgumentError(`"${name}" is no lane; there are slow and fast.`);
    return lane;
  });
  if (!chosen.includes('slow')) throw new InvalidArgumentError('The slow lane always runs: write slow or slow,fast.');
  return chosen;
}

/** `coinbase,kraken` */
export function venues(text: string): string[] {
  return list(text, (name) => {
    try {
      return findVenue(name.toLowerCase()).id;
    } catch (thrown) {
      throw new InvalidArgumentError(describeError(thrown));
    }
  });
}

export function names(text: string): string[] {
  return list(text, (name) => name);
}

function list<T>(text: string, read: (part: string) => T): T[] {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.includes('')) throw new InvalidArgumentError('Write a list with commas and nothing empty in it.');
  return [...new Set(parts.map(read))];
}

export const symbolsOption = (): Option =>
  new Option('--symbols <list>', 'instruments, BASE-QUOTE')
    .env('TRIBUTARY_SYMBOLS')
    .argParser(symbols)
    .default(['BTC-USD', 'ETH-USD'], 'BTC-USD,ETH-USD');

/** Of a service that keeps snapshots of its state in the log. */
export function snapshotEveryOption(): Option {
  return new Option('--snapshot-every-ms <n>', 'time between snapshots of the state, milliseconds')
    .env('TRIBUTARY_SNAPSHOT_EVERY_MS')
    .argParser(wholeNumber(100, 600_000))
    .default(30_000);
}

export const lanesOption = (): Option =>
  new Option('--lanes <list>', 'slow = every minute; slow,fast = at quote changes too, 1 to 10 s ahead')
    .env('TRIBUTARY_LANES')
    .argParser(lanes)
    .default(['slow'], 'slow');

export const contextSourcesOption = (): Option =>
  new Option('--context-sources <list>', 'sources outside the venues: ids, default, all or none (`tributary context list`)')
    .env('TRIBUTARY_CONTEXT_SOURCES')
    .argParser(names)
    .default(['default'], 'default');

export const contextFilesOption = (): Option =>
  new Option('--context-files <list>', 'files that sources read, name=path with commas')
    .env('TRIBUTARY_CONTEXT_FILES')
    .argParser(namedFiles)
    .default({}, 'none');

function namedFiles(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    names(text).map((part) => {
      const [name = '', path = ''] = part.split(/=(.*)/s);
      if (name === '' || path === '') throw new InvalidArgumentError('Write for instance etf=/data/flows.csv.');
      return [name, path];
    }),
  );
}

export const venuesOption = (description: string): Option =>
  new Option('--venues <list>', description)
    .env('TRIBUTARY_VENUES')
    .argParser(venues)
    .default([...DEFAULT_VENUES], DEFAULT_VENUES.join(','));

export const trustOption = (): Option =>
  new Option('--trust <file>', 'public keys whose bundles load, PEM')
    .env('TRIBUTARY_BUNDLE_TRUST')
    .default(publicKeyFile(DEFAULT_KEY));

export const seedOption = (): Option =>
  new Option('--seed <n>', 'seed of everything random').argParser(wholeNumber(0, 2 ** 31 - 1)).default(1);

/** Where Kafka is and how it lets us in; `toKafkaOptions` reads what they name. The names are Kafka's own. */
export const kafkaOptions = (): Option[] => [
  new Option('--brokers <list>', 'Kafka brokers, host:port').env('KAFKA_BROKERS').argParser(names).makeOptionMandatory(),
  new Option('--topic-prefix <text>', 'put before the name of every topic').env('TRIBUTARY_TOPIC_PREFIX').default(''),
  new Option(
    '--kafka-security <protocol>',
    'of the brokers’ listener; SASL reads the password from KAFKA_PASSWORD or KAFKA_PASSWORD_FILE',
  )
    .env('KAFKA_SECURITY_PROTOCOL')
    .choices(['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'])
    .default('PLAINTEXT'),
  new Option('--kafka-ca <file>', 'whose certificates of brokers are believed, PEM; default: those that Node believes').env(
    'KAFKA_CA_FILE',
  ),
  new Option('--kafka-cert <file>', 'our own certificate, PEM, where brokers ask for one').env('KAFKA_CERT_FILE'),
  new Option('--kafka-key <file>', 'its key, PEM').env('KAFKA_KEY_FILE'),
  new Option('--kafka-sasl-mechanism <name>', 'how the password is proven')
    .env('KAFKA_SASL_MECHANISM')
    .choices(['SCRAM-SHA-256', 'SCRAM-SHA-512'])
    .default('SCRAM-SHA-512'),
  new Option('--kafka-username <name>', 'for SASL').env('KAFKA_USERNAME'),
  new Option('--kafka-compression <name>', 'of what is written; zstd takes Node 22.15, also where it is read')
    .env('KAFKA_COMPRESSION')
    .choices(['none', 'gzip', 'zstd'])
    .default('none'),
];

/** Options of every service that runs alone, on Kafka. */
export const serviceOptions = (): Option[] => [
  ...kafkaOptions(),
  new Option('--session-timeout-ms <n>', 'silence after which a member loses its partitions to others, milliseconds')
    .env('KAFKA_SESSION_TIMEOUT_MS')
    .argParser(wholeNumber(1_000, 300_000))
    .default(10_000),
  new Option('--source <kind>', 'what the data is, for signals and the page')
    .env('TRIBUTARY_SOURCE')
    .choices(['live', 'sim', 'replay'])
    .default('live'),
  new Option('--metrics-port <n>', '/metrics, /healthz and /readyz; 0 = any free port')
    .env('TRIBUTARY_METRICS_PORT')
    .argParser(wholeNumber(0, 65_535))
    .default(0),
  new Option('--metrics-host <address>', 'where they listen; 0.0.0.0 = on every address')
    .env('TRIBUTARY_METRICS_HOST')
    .default('127.0.0.1'),
  logLevelOption(),
  tracesOption(),
];

/**
 * Who gets in where a service listens; `toAccess` reads what they name. The dangerous ones have no environment variable on purpose: a
 * flag's variable means yes whatever it says, also "false".
 */
export const accessOptions = (): Option[] => [
  new Option('--tls-cert <file>', 'our certificate, PEM; callers send tokens of TRIBUTARY_TOKENS or TRIBUTARY_TOKENS_FILE').env(
    'TRIBUTARY_TLS_CERT_FILE',
  ),
  new Option('--tls-key <file>', 'its key, PEM').env('TRIBUTARY_TLS_KEY_FILE'),
  new Option('--tls-client-ca <file>', 'whose certificates every caller has to show one of, PEM').env(
    'TRIBUTARY_TLS_CLIENT_CA_FILE',
  ),
  new Option('--calls-per-second <n>', 'of one caller')
    .env('TRIBUTARY_CALLS_PER_SECOND')
    .argParser(wholeNumber(1, 1_000_000))
    .default(500),
  new Option(
    '--dangerously-without-authentication',
    'listen where others can reach it: the network has to keep strangers out',
  ).default(false),
  new Option('--dangerously-without-tls', 'take tokens unencrypted: something in front of us has to end TLS').default(false),
];

export function tracesOption(): Option {
  return new Option(
    '--traces <url>',
    'OpenTelemetry collector that gets a trace of each decision, OTLP over HTTP: http(s)://host:4318',
  )
    .env('TRIBUTARY_TRACES')
    .argParser(httpUrl);
}

function httpUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new InvalidArgumentError('Write http(s)://host:port.');
  return text;
}

export function logLevelOption(): Option {
  return new Option('--log-level <level>', 'least level that is logged')
    .env('TRIBUTARY_LOG_LEVEL')
    .choices(['debug', 'info', 'warn', 'error'])
    .default('info');
}
