/** Structured logs: one JSON object a line; `pretty` for a person at a terminal. */
import { createRequire } from 'node:module';
import { pino, type Logger as PinoLogger } from 'pino';
import type { PinoPretty } from 'pino-pretty';
import { inSources } from '../errors/stack.ts';

export type Logger = PinoLogger;

/** Keys whose values never reach a log line. */
const REDACTED = [
  'apiKey',
  'password',
  'token',
  'secret',
  'authorization',
  '*.apiKey',
  '*.password',
  '*.token',
  '*.secret',
  '*.authorization',
];

export interface LoggerOptions {
  /** Least level that is logged. Default info. */
  readonly level?: string;
  /** Stands in every line: live, sim or replay. */
  readonly source?: string;
  /** Lines for a person instead of JSON. Default: where standard output is a terminal. */
  readonly pretty?: boolean;
}

export function createLogger(options: LoggerOptions = {}): Logger {
  const isPretty = options.pretty ?? process.stdout.isTTY;
  const settings = {
    level: options.level ?? 'info',
    base: options.source === undefined ? {} : { source: options.source },
    redact: REDACTED,
    serializers: { err: errorForLog },
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  if (!isPretty) return pino(settings);
  // Loaded only where somebody looks on.
  const pretty = createRequire(import.meta.url)('pino-pretty') as typeof PinoPretty;
  const ignore = 'err,urls,source,service';
  return pino(
    settings,
    pretty({
      sync: true,
      singleLine: true,
      translateTime: 'SYS:HH:MM:ss',
      ignore,
      messageFormat: '{if source}{source} {end}{if service}{service}: {end}{msg}',
    }),
  );
}

/** What is thrown need not be an error. */
function errorForLog(thrown: unknown): unknown {
  const error = pino.stdSerializers.err(thrown as Error) as { readonly stack?: string } | null;
  return typeof error?.stack === 'string' ? { ...error, stack: inSources(error.stack) } : error;
}
