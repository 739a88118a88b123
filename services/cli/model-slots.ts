/** The slots as the command line reaches them: in a running instance by its API, or on Kafka. */
import { type WallClock } from '#libs/clock/clock.ts';
import { TributaryError } from '#libs/errors/errors.ts';
import { LANES } from '#libs/market/horizon.ts';
import { type Order } from '#libs/registry/order.ts';
import { type ModelsView } from '#services/gateway/models.ts';
import { bearer } from './access.ts';
import { type KafkaChoice, toKafkaOptions } from './kafka.ts';

export interface SlotsOptions extends Omit<KafkaChoice, 'brokers'> {
  readonly url: string;
  /** Undefined = the instance at `url`. */
  readonly brokers?: string[];
  /** Public keys whose bundles load, and the operator's own: files or PEM. */
  readonly trust: string;
  readonly key: string;
}

export interface Changed {
  readonly slot: string;
  readonly bundle_id: string;
  readonly effective_t: number;
}

export interface ModelSlots {
  view(): Promise<ModelsView>;
  change(order: Order): Promise<Changed>;
  close(): Promise<void>;
}

export function openSlots(options: SlotsOptions, clock: Pick<WallClock, 'now'>): Promise<ModelSlots> {
  return options.brokers === undefined ? Promise.resolve(slotsOfInstance(options, clock)) : openKafkaSlots(options, clock);
}

function slotsOfInstance({ url, key }: SlotsOptions, clock: Pick<WallClock, 'now'>): ModelSlots {
  return {
    view: async () => (await ask(url, {})) as ModelsView,
    async change(order) {
      const [{ operatorKey }, { signOrder }] = await Promise.all([
        import('#libs/registry/operator-key.ts'),
        import('#libs/registry/order.ts'),
      ]);
      const body = signOrder(order, await operatorKey(key), clock.now());
      const answer = await ask(url, { method: 'POST', headers: { 'content-type': 'application/octet-stream' }, body });
      return answer as Changed;
    },
    close: () => Promise.resolve(),
  };
}

interface Question {
  readonly method?: 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: NonNullable<RequestInit['body']>;
}

async function ask(url: string, request: Question): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(new URL('/api/models', url), { ...request, headers: { ...request.headers, ...bearer() } });
  } catch (cause) {
    throw new TributaryError('TRB_NOT_RUNNING', `No Tributary answers at ${url}.`, {
      hint: 'Start one with `npm start`, name it with --url, or give --brokers.',
      cause,
    });
  }
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return answer;
  const { code, message, hint } = (answer ?? {}) as { code?: string; message?: string; hint?: string };
  throw new TributaryError(
    code?.startsWith('TRB_') === true ? (code as `TRB_${string}`) : 'TRB_NOT_RUNNING',
    message ?? `${url} answered ${response.status}.`,
    {
      ...(hint === undefined ? {} : { hint }),
    },
  );
}

async function openKafkaSlots(options: SlotsOptions, clock: Pick<WallClock, 'now'>): Promise<ModelSlots> {
  const [
    { openKafkaLog },
    { recentBegin },
    { trustIn },
    { carryOut, openRegistries },
    { modelsView },
    { SlotAccuracy },
    { Outcome },
  ] = await Promise.all([
    import('#libs/log/kafka.ts'),
    import('#libs/readback/readback.ts'),
    import('#libs/registry/operator-key.ts'),
    import('#libs/registry/order.ts'),
    import('#services/gateway/models.ts'),
    import('#services/evaluation/slots.ts'),
    import('#libs/wire/tributary/v1/signals.ts'),
  ]);
  const { brokers = [], trust } = options;
  const log = await openKafkaLog({ ...toKafkaOptions({ ...options, brokers }), clientId: 'tributary-models' });
  const reading = new AbortController();
  const registries = await openRegistries(log, LANES, reading.signal, () => undefined).catch(async (thrown: unknown) => {
    await log.close();
    throw thrown;
  });
  return {
    async view() {
      const slots = new SlotAccuracy();
      for (const topic of ['outcomes', 'shadow-outcomes'] as const) {
        for (let partition = 0; partition < (await log.partitions(topic)); partition++) {
          for await (const { records } of log.read(topic, partition, { from: await recentBegin(log, topic, partition) })) {
            for (const record of records) slots.add(Outcome.decode(record.value));
          }
        }
      }
      return modelsView(registries, slots.snapshot());
    },
    async change(order) {
      const { slot, bundleId, effectiveT } = await carryOut(registries, order, trustIn(trust)(), clock.now());
      return { slot, bundle_id: bundleId, effective_t: effectiveT };
    },
    async close() {
      reading.abort();
      await log.close();
    },
  };
}
