/**
 * `tributary models`: what the slots hold, how they compare, and changes of them. In a running instance through its API, signed with the
 * operator's key; or on Kafka, where the broker's access is asked for instead.
 */
import { Command, Option } from 'commander';
import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, resolve } from 'node:path';
import { systemClock } from '#libs/clock/clock.ts';
import { TributaryError } from '#libs/errors/errors.ts';
import { type External } from '#libs/models/external/external.ts';
import { type Lane, LANES } from '#libs/market/horizon.ts';
import { DEFAULT_KEY } from '#libs/registry/operator-key.ts';
import { type Order, PLACES } from '#libs/registry/order.ts';
import { SLOTS, type SlotName } from '#libs/registry/registry.ts';
import { type ModelsView } from '#services/gateway/models.ts';
import { type Changed, type ModelSlots, openSlots, type SlotsOptions } from './model-slots.ts';
import { kafkaOptions, trustOption } from './options.ts';

interface LaneOptions {
  readonly lane: Lane;
}

interface ChangeOptions extends SlotsOptions {
  readonly by: string;
  readonly reason: string;
}

export function modelsCommand(): Command {
  const models = new Command('models').description('the models in use: what decides, what runs in shadow, and how they compare');
  const commands = [
    list(),
    show(),
    publish(),
    change('promote', 'the challenger becomes the champion, the champion previous'),
    change('rollback', 'the previous bundle becomes the champion again; without one the fallback decides'),
    pin(),
    fallback(),
  ];
  for (const command of commands) models.addCommand(command);
  return models;
}

function list(): Command {
  return onSlots(new Command('list').description('what every slot holds'))
    .option('--json', 'one JSON object', false)
    .action(async (options: SlotsOptions & { readonly json: boolean }) => {
      const view = await withSlots(options, (slots) => slots.view());
      if (options.json) process.stdout.write(`${JSON.stringify(view.slots)}\n`);
      else for (const row of view.slots) process.stdout.write(`${lineOf(row)}\n`);
    });
}

function show(): Command {
  return onSlots(new Command('show').description('how the slots compare on what came of their decisions'))
    .argument('[slot]', `one of ${SLOTS.join(', ')}; default: all`)
    .option('--json', 'one JSON object', false)
    .action(async (slot: string | undefined, options: SlotsOptions & { readonly json: boolean }) => {
      if (slot !== undefined && !SLOTS.includes(slot as SlotName)) {
        throw new TributaryError('TRB_USAGE', `"${slot}" is no slot.`, { hint: `There are ${SLOTS.join(', ')}.` });
      }
      const all = await withSlots(options, (slots) => slots.view());
      const isWanted = (row: { readonly slot: string }): boolean => slot === undefined || row.slot === slot;
      const view = { slots: all.slots.filter(isWanted), accuracy: all.accuracy.filter(isWanted) };
      process.stdout.write(options.json ? `${JSON.stringify(view)}\n` : tableOf(view));
    });
}

function publish(): Command {
  return onChange(
    new Command('publish').description('put a bundle into a slot').argument('<file>', 'bundle, as `tributary train` writes it'),
    'published by hand',
  )
    .addOption(
      new Option('--slot <name>', 'where to; next = champion if there never was one, else challenger, unless one is being judged')
        .choices(PLACES)
        .default('champion'),
    )
    .action(async (file: string, options: ChangeOptions & { readonly slot: (typeof PLACES)[number] }) => {
      await sendUnlessJudged(options, {
        action: 'publish',
        slot: options.slot,
        bundle: (await read(file)).toString('base64'),
        ...whoOf(options),
      });
    });
}

function change(action: 'promote' | 'rollback', description: string): Command {
  return onChange(new Command(action).description(description))
    .addOption(laneOption())
    .action((options: ChangeOptions & LaneOptions) => send(options, { action, lane: options.lane, ...whoOf(options) }));
}

function pin(): Command {
  return onChange(new Command('pin').description('the champion stays, whatever training brings, until a rollback'))
    .option('--off', 'let it go again', false)
    .addOption(laneOption())
    .action((options: ChangeOptions & LaneOptions & { readonly off: boolean }) =>
      send(options, { action: options.off ? 'unpin' : 'pin', lane: options.lane, ...whoOf(options) }),
    );
}

function fallback(): Command {
  return onChange(
    new Command('fallback')
      .description('what decides where neither champion nor previous can; runs in shadow otherwise')
      .argument('<what>', 'a bundle, the manifest of an ONNX file or of an endpoint, or grpc://HOST:PORT'),
  ).action(async (what: string, options: ChangeOptions) => {
    const bundle = Buffer.from(await signedFrom(what, options.key)).toString('base64');
    await send(options, { action: 'publish', slot: 'fallback', bundle, ...whoOf(options) });
  });
}

/** A bundle brings its signature; a predictor from outside is signed here. */
async function signedFrom(what: string, keyFile: string): Promise<Uint8Array> {
  const [{ isSigned, signExternal }, { externalFromManifest, externalFromUrl }, { operatorKey }] = await Promise.all([
    import('#libs/models/signature.ts'),
    import('#libs/models/external/external.ts'),
    import('#libs/registry/operator-key.ts'),
  ]);
  const sign = async (external: External): Promise<Uint8Array> => signExternal(external, await operatorKey(keyFile));
  if (what.includes('://')) return sign(externalFromUrl(what));
  const bytes = await read(what);
  if (isSigned('bundle', bytes)) return bytes;
  return sign(await externalFromManifest(bytes.toString('utf8'), (path) => read(resolve(dirname(what), path))));
}

function onSlots(command: Command): Command {
  command
    .addOption(new Option('--url <url>', 'of the running instance').env('TRIBUTARY_URL').default('http://127.0.0.1:8787'))
    .addOption(trustOption())
    .addOption(new Option('--key <file>', "the operator's Ed25519 key, PEM").env('TRIBUTARY_BUNDLE_KEY').default(DEFAULT_KEY));
  // Without brokers: the running instance.
  for (const option of kafkaOptions()) command.addOption(option.makeOptionMandatory(false));
  return command;
}

/** `reason`: where none is given; default: one must be. */
function onChange(command: Command, reason?: string): Command {
  const why = new Option('--reason <text>', 'why, kept in the log');
  return onSlots(command)
    .addOption(reason === undefined ? why.makeOptionMandatory() : why.default(reason))
    .option('--by <name>', 'who, kept in the log', userName());
}

/** A bundle that is published says itself which lane it is of. */
function laneOption(): Option {
  return new Option('--lane <name>', 'whose slots').choices(LANES).default('slow');
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'operator';
  }
}

function whoOf({ by: actor, reason }: ChangeOptions): Pick<Order, 'actor' | 'reason'> {
  return { actor, reason };
}

/** What is trained by the calendar comes while another is being judged, and that is no failure. */
async function sendUnlessJudged(options: SlotsOptions, order: Order): Promise<void> {
  try {
    await send(options, order);
  } catch (thrown) {
    if (!(thrown instanceof TributaryError) || thrown.code !== 'TRB_MODEL_JUDGED') throw thrown;
    process.stdout.write(`nothing published: ${thrown.message} ${thrown.hint}\n`);
  }
}

async function send(options: SlotsOptions, order: Order): Promise<void> {
  const { slot, bundle_id, effective_t } = await withSlots(options, (slots): Promise<Changed> => slots.change(order));
  const held = bundle_id === '' ? 'nothing; the fallback decides' : bundle_id;
  process.stdout.write(`${slot} holds ${held}, from ${new Date(effective_t).toISOString()}\n`);
}

async function read(file: string): Promise<Buffer> {
  return readFile(file).catch((cause: unknown) => {
    throw new TributaryError('TRB_BUNDLE_NOT_FOUND', `There is no file ${file}.`, {
      hint: 'Make one with `tributary train --out FILE`.',
      cause,
    });
  });
}

async function withSlots<T>(options: SlotsOptions, work: (slots: ModelSlots) => Promise<T>): Promise<T> {
  const slots = await openSlots(options, systemClock);
  try {
    return await work(slots);
  } finally {
    await slots.close();
  }
}

function lineOf({ lane, slot, bundle_id, effective_t, actor, reason, pinned, share }: ModelsView['slots'][number]): string {
  const since = new Date(effective_t).toISOString();
  const name = lane === 'fast' ? `fast ${slot}` : slot;
  const more = pinned ? '  (pinned)' : share > 0 ? `  (serves ${100 * share} %)` : '';
  return `${name.padEnd(10)} ${bundle_id}  from ${since}  by ${actor}: ${reason}${more}`;
}

function tableOf({ slots, accuracy }: ModelsView): string {
  const percent = (share: number | null): string => (share === null ? '–' : `${(share * 100).toFixed(1)} %`).padStart(8);
  const lines = slots.flatMap((held) => {
    const rows = accuracy.filter(({ lane, slot }) => lane === held.lane && slot === held.slot);
    const told = rows.map(({ venue, symbol, horizon, ...row }) => {
      const name = `${venue} ${symbol} ${horizon}`.padEnd(30);
      const spoken = `speaking ${percent(row.emittedAccuracy)} of ${row.emittedMoves}`;
      const paired =
        row.pairedMoves === 0
          ? ''
          : `; on the same ${row.pairedMoves}: ${percent(row.pairedAccuracy)}, published ${percent(row.publishedAccuracy)}`;
      return `  ${name}${percent(row.accuracy)} of ${row.moves} moves; ${spoken}${paired}`;
    });
    return [lineOf(held), ...(told.length === 0 ? ['  nothing has come of its decisions yet'] : told)];
  });
  return lines.map((line) => `${line}\n`).join('');
}
