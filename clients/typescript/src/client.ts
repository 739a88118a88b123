/**
 * Signals of a Tributary instance over gRPC. `streamSignals` never ends by itself: it reconnects with a growing pause and goes on behind the
 * last item that you took, so nothing is missed; keep an item's cursor together with what you did about it, and nothing is done twice.
 * What the fields mean, and what silence means, is in docs/signals.md.
 */
import { type ChannelCredentials, type ClientOptions, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { SignalServiceClient, type StreamSignalsResponse } from '../../../libs/wire/tributary/v1/signal_service.ts';
import { Direction, PriceKind, type Signal } from '../../../libs/wire/tributary/v1/signals.ts';

export { Direction, PriceKind, type Signal, SignalServiceClient };

export interface ClientSettings {
  /** HOST:PORT. Default 127.0.0.1:50051. */
  readonly address?: string;
  /** Sent as a bearer token; needs TLS unless the instance is on this machine. */
  readonly token?: string;
  /** Default: no TLS. */
  readonly channel?: ChannelCredentials;
}

export interface StreamSettings extends ClientSettings {
  /** BASE-QUOTE; default all. */
  readonly instruments?: readonly string[];
  readonly venues?: readonly string[];
  /** 1m, 5m, 15m; default all. */
  readonly horizons?: readonly string[];
  /** Default true: an abstention ends the signal before it. */
  readonly abstentions?: boolean;
  /** Cursor of the last item that was dealt with; default: what is new. */
  readonly after?: string;
  /** How long nothing may come before the stream counts as dead, milliseconds. Default 15000. */
  readonly deadAfterMs?: number;
  /** Hears of each connection that failed; it is tried again. */
  readonly onLost?: (reason: string) => void;
  /** Ends the stream. */
  readonly signal?: AbortSignal;
}

export interface StreamItem {
  /** Undefined = nothing passed the filter up to the cursor: the stream is alive. */
  readonly signal: Signal | undefined;
  readonly cursor: string;
}

/** What trying again does not mend. */
const FINAL: ReadonlySet<status> = new Set([
  status.INVALID_ARGUMENT,
  status.OUT_OF_RANGE,
  status.UNAUTHENTICATED,
  status.PERMISSION_DENIED,
]);
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [250, 10_000];

/** Throws the service's error where trying again cannot help: a cursor that is too old or foreign, a wrong filter, no access. */
export async function* streamSignals(settings: StreamSettings = {}): AsyncGenerator<StreamItem> {
  const { signal, onLost } = settings;
  let { after = '' } = settings;
  let pause = FIRST_PAUSE_MS;
  const isOver = (): boolean => signal?.aborted === true;
  while (!isOver()) {
    try {
      for await (const item of connect(settings, after)) {
        pause = FIRST_PAUSE_MS;
        after = item.cursor;
        yield item;
      }
    } catch (thrown) {
      if (isOver()) return;
      const { code, details } = thrown as ServiceError;
      if (FINAL.has(code)) throw thrown;
      onLost?.(details);
    }
    await wait(pause, signal);
    pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
  }
}

/** The latest decisions on an instrument, abstentions too; empty = there is none yet. */
export async function latestSignals(
  instrument: string,
  { venue = '', horizon = '', ...settings }: ClientSettings & { readonly venue?: string; readonly horizon?: string } = {},
): Promise<readonly Signal[]> {
  const client = open(settings);
  try {
    return await new Promise((resolve, reject) => {
      client.getSignal({ instrument, venue, horizon }, metadataOf(settings), (error, response) => {
        if (error === null) resolve(response.signals);
        else if (error.code === status.NOT_FOUND) resolve([]);
        else reject(error);
      });
    });
  } finally {
    client.close();
  }
}

/** What tells a decision from every other: a good client order id. */
export function identityOf({ venue, instrument, horizon, t }: Signal): string {
  return `${venue}:${instrument}:${horizon}:${t}`;
}

/** Whether it may be acted on: it speaks, and its time is not over. `now` in milliseconds. */
export function isActionable({ direction, validUntil }: Signal, now: number): boolean {
  return (direction === Direction.DIRECTION_UP || direction === Direction.DIRECTION_DOWN) && now < validUntil;
}

async function* connect(settings: StreamSettings, after: string): AsyncGenerator<StreamItem> {
  const { instruments = [], venues = [], horizons = [], abstentions = true, deadAfterMs = 15_000, signal } = settings;
  const client = open(settings);
  const request = {
    ...{ instruments: [...instruments], venues: [...venues], horizons: [...horizons], includeAbstentions: abstentions },
    ...{ after, progressMs: Math.floor(deadAfterMs / 3) },
  };
  const call = client.streamSignals(request, metadataOf(settings));
  let reason = 'the caller is done';
  const cancel = (): void => call.cancel();
  const dead = (): void => {
    reason = `nothing came for ${deadAfterMs} ms`;
    call.cancel();
  };
  signal?.addEventListener('abort', cancel);
  let timer = setTimeout(dead, deadAfterMs);
  try {
    for await (const { signal: decision, cursor } of call as AsyncIterable<StreamSignalsResponse>) {
      clearTimeout(timer);
      yield { signal: decision, cursor };
      timer = setTimeout(dead, deadAfterMs);
    }
  } catch (thrown) {
    const error = thrown as ServiceError;
    throw Object.assign(error, error.code === status.CANCELLED ? { details: reason } : {});
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
    call.cancel();
    client.close();
  }
}

function open({ address = '127.0.0.1:50051', channel = credentials.createInsecure() }: ClientSettings): SignalServiceClient {
  const options: ClientOptions = { 'grpc.keepalive_time_ms': 60_000 };
  return new SignalServiceClient(address, channel, options);
}

function metadataOf({ token }: ClientSettings): Metadata {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  return metadata;
}

function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
    signal?.addEventListener('abort', done);
  });
}
