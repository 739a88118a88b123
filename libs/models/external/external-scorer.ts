/**
 * An external predictor behind the port that inference asks bundles by. Each question has a deadline; one that fails again and again is left alone
 * for a while, so that it costs others no time.
 */
import { type WallClock } from '../../clock/clock.ts';
import { TributaryError } from '../../errors/errors.ts';
import { createCircuitBreaker } from '../../http/circuit-breaker.ts';
import { parseInput, resolveInputs } from '../inputs.ts';
import { type Scorer } from '../scorer.ts';
import { type External } from './external.ts';

export interface Question {
  readonly venue: string;
  readonly instrument: string;
  /** Steps x inputs, oldest vector first. */
  readonly values: Float32Array;
}

/** Of one horizon; undefined = it has none for this instrument now. */
export type Answer = { readonly probabilityUp: number; readonly threshold: number } | undefined;

export interface Predictor {
  open(): Promise<void>;
  close(): Promise<void>;
  /** By horizon, in the order of `External.horizons`. Aborting `signal` may end it early. */
  ask(question: Question, signal: AbortSignal): Promise<readonly Answer[]>;
}

/** Throws `TRB_BUNDLE_FEATURES` where the schema lacks one of its features at that version. */
export function createExternalScorer(
  external: External,
  schemaColumns: readonly string[],
  predictor: Predictor,
  clock: Pick<WallClock, 'now' | 'sleep'>,
): Scorer {
  const { window: steps, deadlineMs } = external;
  const horizons: readonly string[] = external.horizons;
  const inputs = external.inputs.length === 0 ? schemaColumns : external.inputs;
  const places = resolveInputs(inputs.map(parseInput), schemaColumns);
  const instruments = new Set(external.instruments.map(({ venue, instrument }) => `${venue}:${instrument}`));
  const missing = external.missing ?? Number.NaN;
  const breaker = createCircuitBreaker(clock);
  const covers = (venue: string, instrument: string): boolean =>
    instruments.size === 0 || instruments.has(`${venue}:${instrument}`);

  async function ask(question: Question): Promise<readonly Answer[]> {
    const pass = breaker.enter(external.name);
    const stop = new AbortController();
    const late = clock.sleep(deadlineMs, stop.signal).then(() => {
      throw new TributaryError('TRB_PREDICTOR_LATE', `${external.name} did not answer within ${deadlineMs} ms.`, {
        hint: 'Make it faster, or allow it more with deadlineMs in its manifest.',
        canRetry: true,
      });
    });
    late.catch(() => undefined);
    try {
      const answers = check(external, await Promise.race([predictor.ask(question, stop.signal), late]));
      pass.succeeded();
      return answers;
    } catch (thrown) {
      pass.failed();
      throw thrown;
    } finally {
      stop.abort();
    }
  }

  return {
    bundleId: external.id,
    target: external.target,
    trainedTo: Infinity,
    heads: [],
    lags: steps - 1,
    covers: (venue, instrument, horizon) => covers(venue, instrument) && horizons.includes(horizon),
    open: () => predictor.open(),
    close: () => predictor.close(),
    consult(venue, instrument, window) {
      if (!covers(venue, instrument)) return undefined;
      const values = new Float32Array(steps * places.length);
      for (let step = 0; step < steps; step++) {
        const vector = window[window.length - steps + step];
        for (let i = 0; i < places.length; i++) {
          const value = vector?.[places[i]!] ?? Number.NaN;
          values[step * places.length + i] = Number.isNaN(value) ? missing : value;
        }
      }
      return ask({ venue, instrument, values }).then((answers) =>
        answers.map((answer) => (answer === undefined ? undefined : [answer.probabilityUp, answer.threshold])),
      );
    },
    score(_venue, _instrument, horizon, _window, opinions = []) {
      const [probabilityUp, threshold] = Array.from(opinions[horizons.indexOf(horizon)] ?? []);
      if (probabilityUp === undefined || threshold === undefined) return undefined;
      return { probabilityUp, confidence: Math.max(probabilityUp, 1 - probabilityUp), threshold, unfamiliarity: 0 };
    },
  };
}

function check(external: External, answers: readonly Answer[]): readonly Answer[] {
  const isProbability = (value: number): boolean => value >= 0 && value <= 1;
  if (
    answers.length === external.horizons.length &&
    answers.every((answer) => answer === undefined || isProbability(answer.probabilityUp))
  )
    return answers;
  const said = answers.map((answer) => answer?.probabilityUp ?? 'nothing').join(', ');
  throw new TributaryError(
    'TRB_PREDICTOR_ANSWER',
    `${external.name} answered ${said || 'nothing'}: no ${external.horizons.length} probabilities.`,
    {
      hint: `Its output has to be the probability of up for ${external.horizons.join(', ')}, in that order.`,
    },
  );
}
