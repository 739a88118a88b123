/**
 * A change of the slots as an operator orders it: from the command line to a running instance, signed, so that only who holds the key can
 * order, whoever else can reach the port.
 */
import { type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { TributaryError } from '../errors/errors.ts';
import { type EventLog } from '../log/port.ts';
import { type Lane, LANES } from '../market/horizon.ts';
import { openModel, openSigned, signContent } from '../models/signature.ts';
import { type ModelSlot } from '../wire/tributary/v1/models.ts';
import { ModelRegistry, SLOTS } from './registry.ts';

/** `next`: as `ModelRegistry.placeOfNext` says. */
export const PLACES = [...SLOTS, 'next'] as const;

const who = { actor: z.string().min(1).max(200), reason: z.string().min(1).max(2_000) };
const actionSchema = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('publish'), slot: z.enum(PLACES), bundle: z.base64(), ...who }),
  z.strictObject({ action: z.enum(['promote', 'rollback', 'pin', 'unpin']), lane: z.enum(LANES).optional(), ...who }),
]);
const orderSchema = z.strictObject({ order: actionSchema, signedAt: z.number() });

export type Order = z.infer<typeof actionSchema>;

/** How long an order is good for, milliseconds: kept and sent again, it is none. */
const GOOD_FOR_MS = 60_000;

export function signOrder(order: Order, key: KeyObject, now: number): Uint8Array {
  return signContent('change', Buffer.from(JSON.stringify({ order, signedAt: now })), key);
}

/** Opens orders; each once. */
export class OrderBook {
  #newest = -Infinity;

  /** Throws `TRB_CHANGE_UNSIGNED`, `TRB_CHANGE_SIGNER`, `TRB_CHANGE_SIGNATURE`, `TRB_CHANGE_UNREADABLE`, `TRB_CHANGE_LATE` (too old, or had before). */
  open(bytes: Uint8Array, trusted: readonly KeyObject[], now: number): Order {
    const { order, signedAt } = parse(openSigned('change', bytes, trusted));
    if (signedAt <= this.#newest || Math.abs(now - signedAt) > GOOD_FOR_MS) {
      throw new TributaryError('TRB_CHANGE_LATE', `The change was signed at ${new Date(signedAt).toISOString()}.`, {
        hint: 'Send it again; where that does not help, the two clocks are a minute apart.',
      });
    }
    this.#newest = signedAt;
    return order;
  }
}

/** By lane; undefined = this instance does not run it. */
export type Registries = Readonly<Record<Lane, ModelRegistry | undefined>>;

/** Opens the slots of `lanes`; see `ModelRegistry.open`. */
export async function openRegistries(
  log: EventLog,
  lanes: readonly Lane[],
  signal: AbortSignal,
  failed: (error: unknown) => void,
): Promise<Registries> {
  const open = (lane: Lane): Promise<ModelRegistry> | undefined =>
    lanes.includes(lane) ? ModelRegistry.open(log, signal, failed, lane) : undefined;
  return { slow: await open('slow'), fast: await open('fast') };
}

/**
 * Resolves with the record that the slot has from then on: a bundle goes into the slots of its own lane. Rejects with what the registry
 * throws, and `openModel`; `TRB_BUNDLE_LANE`, `TRB_MODEL_JUDGED` (`next`, and a challenger is being judged).
 */
export async function carryOut(
  registries: Registries,
  order: Order,
  trusted: readonly KeyObject[],
  now: number,
): Promise<ModelSlot> {
  const { actor, reason } = order;
  const change = { actor, reason, now };
  if (order.action === 'publish') {
    const bundle = Buffer.from(order.bundle, 'base64');
    const model = openModel(bundle, trusted);
    const registry = running(registries, 'lane' in model ? model.lane : 'slow');
    const slot = order.slot === 'next' ? registry.placeOfNext(now) : order.slot;
    if (slot === undefined) {
      throw new TributaryError('TRB_MODEL_JUDGED', 'A challenger is being judged.', {
        hint: 'Publish when it is promoted or has left, after seven days at the latest; or in its place with --slot challenger.',
      });
    }
    return registry.publish({ ...change, slot, bundle, bundleId: model.id });
  }
  const registry = running(registries, order.lane ?? 'slow');
  if (order.action === 'promote') return registry.promote(change);
  if (order.action === 'rollback') return registry.rollback(change);
  return registry.pin(change, order.action === 'pin');
}

function running(registries: Registries, lane: Lane): ModelRegistry {
  const registry = registries[lane];
  if (registry !== undefined) return registry;
  throw new TributaryError('TRB_BUNDLE_LANE', `The ${lane} lane does not run here.`, {
    hint: `Start it with --lanes slow,fast (TRIBUTARY_LANES); \`tributary backtest --lane ${lane}\` judges without it.`,
  });
}

function parse(content: Uint8Array): z.infer<typeof orderSchema> {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(content).toString('utf8'));
  } catch {
    json = undefined;
  }
  const parsed = orderSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new TributaryError('TRB_CHANGE_UNREADABLE', 'The change is malformed.', {
    hint: 'Send it with this version of `tributary models`.',
  });
}
