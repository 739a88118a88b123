/**
 * What every service is given, and the one shape all have: `run(context, options, signal)` works until `signal` aborts, drains,
 * and resolves. The same function runs alone (services/NAME/main.ts, on Kafka) or beside the others (services/up).
 */
import { type Registry } from 'prom-client';
import { type WallClock } from '../clock/clock.ts';
import { type EventLog } from '../log/port.ts';
import { type Health } from '../telemetry/health.ts';
import { type Logger } from '../telemetry/logger.ts';
import { type Trail } from '../telemetry/trail.ts';

/** Where the data of this store comes from; never mixed in one store. */
export type Source = 'live' | 'sim' | 'replay';

export interface ServiceContext {
  readonly log: EventLog;
  readonly clock: WallClock;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly health: Health;
  readonly source: Source;
  /** Hears what becomes of each vector, where anybody listens. */
  readonly trail?: Trail | undefined;
}

export type Service<Options> = (context: ServiceContext, options: Options, signal: AbortSignal) => Promise<void>;
