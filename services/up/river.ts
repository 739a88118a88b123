/** The parts of a running instance and the order in which they start; each is supervised. */
import { resolve } from 'node:path';
import { describeError } from '#libs/errors/errors.ts';
import { trustIn } from '#libs/registry/operator-key.ts';
import { type Lane } from '#libs/market/horizon.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { type Store } from '#libs/store/port.ts';
import { archivedRows, runArchive } from '#services/archive/service.ts';
import { runEvaluation } from '#services/evaluation/service.ts';
import { runFeatures } from '#services/features/service.ts';
import { runGateway } from '#services/gateway/service.ts';
import { runInference } from '#services/inference/service.ts';
import { type PaperChoice, toPaperOptions } from '#services/paper/options.ts';
import { runPaper } from '#services/paper/service.ts';
import { runRollout } from '#services/rollout/service.ts';
import { keepTrained } from './models.ts';
import { type MarketSource } from './source.ts';
import { supervise } from './supervise.ts';

export interface RiverOptions extends PaperChoice {
  readonly lanes: readonly Lane[];
  readonly dataDir: string;
  /** Signs what is trained: a file, or the PEM itself. Default: operator.pem in the data directory, made where there is none. */
  readonly key?: string;
  readonly port: number;
  readonly grpcPort: number;
  readonly seed: number;
}

/** A part that takes longer than this to stop is named, milliseconds. */
const SLOW_DRAIN_MS = 3_000;
const MINUTE = 60_000;

type Run = (context: ServiceContext, signal: AbortSignal) => Promise<void>;

export class River {
  readonly #options: RiverOptions;
  readonly #context: ServiceContext;
  readonly #store: Store;
  readonly #source: MarketSource;
  readonly #directory: string;
  /** What runs, by name. */
  readonly #parts = new Map<string, Promise<void>>();
  #phase = 'starting';

  constructor(options: RiverOptions, context: ServiceContext, store: Store, source: MarketSource, directory: string) {
    this.#options = options;
    this.#context = context;
    this.#store = store;
    this.#source = source;
    this.#directory = directory;
  }

  /** Resolves when `signal` aborts; rejects with what no part can go on after. Wait for `drained` in both cases. */
  async run(signal: AbortSignal): Promise<void> {
    const { logger } = this.#context;
    let fail: (thrown: unknown) => void = () => undefined;
    const failed = new Promise<never>((_resolve, reject) => (fail = reject));
    const start = (part: string, run: Run): void => {
      const ended = supervise(part, this.#context, run, signal);
      ended.catch(fail);
      this.#keep(part, ended);
    };
    const stopped = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
      // A stop that came while the source opened is told to nobody again.
      if (signal.aborted) resolve();
    });
    const started = this.#start(start, signal).catch((thrown: unknown) => {
      if (!signal.aborted) throw thrown;
      logger.debug(`stopped while starting: ${describeError(thrown)}`);
    });
    this.#keep('start', started);
    await Promise.race([started, failed, stopped]);
    await Promise.race([failed, stopped]);
  }

  /** Resolves when every part has finished what it had in hand. */
  async drained(): Promise<void> {
    const late = setTimeout(() => this.#context.logger.warn({ parts: [...this.#parts.keys()] }, 'still stopping'), SLOW_DRAIN_MS);
    await Promise.all(this.#parts.values());
    clearTimeout(late);
  }

  #keep(part: string, ended: Promise<void>): void {
    const kept = ended.catch(() => undefined).finally(() => this.#parts.delete(part));
    this.#parts.set(part, kept);
  }

  async #start(start: (part: string, run: Run) => void, signal: AbortSignal): Promise<void> {
    const { lanes, port, grpcPort, seed } = this.#options;
    const { logger } = this.#context;
    const store = this.#store;
    const key = this.#options.key ?? resolve(this.#options.dataDir, 'operator.pem');
    const trust = trustIn(key);
    const startMinute = Math.floor(this.#context.clock.now() / MINUTE) * MINUTE;
    start('gateway', (context, ending) =>
      runGateway(
        context,
        {
          lanes,
          port,
          startedAt: performance.timeOrigin,
          trust,
          phase: () => this.#phase,
          archivedRows: () => archivedRows(store),
          listening: (url) => logger.info(`the page is at ${url}`),
        },
        ending,
      ),
    );
    for (const [part, run] of this.#source.feeds()) start(part, run);
    this.#phase = 'fetching history';
    const history = await this.#source.history(this.#context, store, signal);
    this.#phase = 'folding history';
    start('features', (context, ending) => runFeatures(context, { lanes, history: history.ticks }, ending));
    start('inference', (context, ending) =>
      // Vectors of history fill the windows; the newest one is the first that is decided on.
      runInference(
        context,
        {
          trust,
          lanes,
          grpcPort,
          historyFrom: startMinute - MINUTE,
          listening: (address) => logger.info(`SignalService is at ${address}`),
        },
        ending,
      ),
    );
    start('evaluation', (context, ending) => runEvaluation(context, {}, ending));
    start('paper', (context, ending) => runPaper(context, toPaperOptions(this.#options), ending));
    start('rollout', (context, ending) => runRollout(context, { trust }, ending));
    start('archive', (context, ending) => runArchive(context, { store }, ending));
    start('models', (context, ending) =>
      keepTrained(context, { history, directory: this.#directory, key, seed, phase: (text) => (this.#phase = text) }, ending),
    );
  }
}
