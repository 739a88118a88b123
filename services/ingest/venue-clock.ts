/** The venue's clock compared with ours, by REST. */
import { type WallClock } from '#libs/clock/clock.ts';
import { describeError } from '#libs/errors/errors.ts';
import { type Logger } from '#libs/telemetry/logger.ts';
import { isBlocked } from './venues/blocked.ts';
import { type VenueRest } from './venues/venue.ts';

const HOUR_MS = 3_600_000;
const RETRY_MS = 60_000;
/** Beyond this, microseconds, our clock is called wrong. */
const LARGEST_SKEW = 5_000_000;

/** Questions in one measurement; the one that was answered fastest counts. */
const QUESTIONS = 3;

export interface ClockSkew {
  /** Venue's clock minus ours, microseconds. */
  readonly skew: number;
  /** How far off that may be: half the time the answer took, and half the venue's resolution; microseconds. */
  readonly uncertainty: number;
}

/** The answer is taken to be made halfway between question and receipt, in the middle of the step that it tells. Rejects with `TRB_HTTP_…`. */
export async function measureClockSkew(
  rest: Pick<VenueRest, 'time' | 'timeResolution'>,
  clock: WallClock,
  signal: AbortSignal,
): Promise<ClockSkew> {
  let best: ClockSkew | undefined;
  for (let question = 0; question < QUESTIONS; question++) {
    const asked = clock.nowMicros();
    const time = await rest.time(signal);
    const received = clock.nowMicros();
    const uncertainty = Math.ceil((received - asked + rest.timeResolution) / 2);
    if (best === undefined || uncertainty < best.uncertainty)
      best = { skew: Math.round(time + rest.timeResolution / 2 - (asked + received) / 2), uncertainty };
  }
  return best!;
}

export interface VenueClockOptions {
  readonly venue: string;
  readonly rest: VenueRest;
  readonly clock: WallClock;
  readonly logger: Logger;
  readonly measured: (measured: ClockSkew) => void;
}

/** Measures now and every hour until `signal` aborts; says plainly when the clocks are far apart. */
export async function watchVenueClock(options: VenueClockOptions, signal: AbortSignal): Promise<void> {
  const { venue, rest, clock, logger, measured } = options;
  const isOver = () => signal.aborted;
  while (!isOver()) {
    let wait = HOUR_MS;
    try {
      const measurement = await measureClockSkew(rest, clock, signal);
      const { skew } = measurement;
      measured(measurement);
      if (Math.abs(skew) > LARGEST_SKEW) logger.error({ venue, skewSeconds: skew / 1e6 }, describeSkew(venue, skew));
    } catch (error) {
      const isOff = isBlocked(error); // which has been said
      wait = isOff ? HOUR_MS : RETRY_MS;
      if (!isOver() && !isOff) logger.warn({ venue }, `the clock of ${venue} could not be asked: ${describeError(error)}`);
    }
    await clock.sleep(wait, signal);
  }
}

function describeSkew(venue: string, skew: number): string {
  const seconds = Math.abs(skew / 1e6).toFixed(1);
  return (
    `this machine's clock is ${seconds} s ${skew > 0 ? 'behind' : 'ahead of'} that of ${venue}: latencies and times are wrong. ` +
    'Turn time synchronisation on, for instance with `timedatectl set-ntp true`.'
  );
}
