/** What a search tries: for each kind of model its settings and their values; every combination is a configuration. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf, TributaryError } from '#libs/errors/errors.ts';
import { createRandom, sample, seedFor } from '#libs/models/random.ts';

export const KINDS = ['logistic', 'trees', 'lstm', 'transformer'] as const;
export type Kind = (typeof KINDS)[number];

const count = z.number().int().positive();
const positive = z.number().positive();
const share = z.number().positive().max(1);
const dropout = z.number().min(0).lt(1);
const network = { inputs: count, steps: count, width: count, dropout, learningRate: positive, l2: z.number().min(0) };

const Logistic = z.strictObject({ model: z.literal('logistic'), inputs: count, inverseL2: positive });
const Trees = z.strictObject({
  model: z.literal('trees'),
  ...{ inputs: count, trees: count, learningRate: positive, leaves: count, leafRows: count, l2: z.number().min(0) },
  ...{ rowShare: share, columnShare: share },
});
const Lstm = z.strictObject({ model: z.literal('lstm'), layers: count, ...network });
const Transformer = z
  .strictObject({ model: z.literal('transformer'), blocks: count, heads: count, ...network })
  .refine(({ width, heads }) => width % heads === 0, 'width is no multiple of heads');
const Configuration = z.union([Logistic, Trees, Lstm, Transformer]);
export type Configuration = z.output<typeof Configuration>;

/** Values by setting, by kind. */
export type Space = Readonly<Record<Kind, Readonly<Record<string, readonly number[]>>>>;

/** Around what services/training trains with. */
export const DEFAULT_SPACE: Space = {
  logistic: { inputs: [100, 200, 300], inverseL2: [1e-4, 3e-4, 1e-3, 3e-3] },
  trees: {
    ...{ inputs: [300], trees: [300], learningRate: [0.02, 0.035, 0.07], leaves: [8, 15, 31], leafRows: [150] },
    ...{ l2: [5, 20, 80], rowShare: [0.6], columnShare: [0.15, 0.3] },
  },
  lstm: {
    ...{ layers: [2, 4], inputs: [120], steps: [8, 12, 24], width: [16, 32, 64], dropout: [0.1, 0.3, 0.5] },
    ...{ learningRate: [1e-3, 2e-3], l2: [1e-5, 1e-4, 1e-3] },
  },
  transformer: {
    ...{ blocks: [1, 2, 3], heads: [4], inputs: [120], steps: [8, 12, 24], width: [16, 32, 64], dropout: [0.1, 0.3, 0.5] },
    ...{ learningRate: [5e-4, 1e-3], l2: [1e-4, 1e-3] },
  },
};

const Settings = z.record(z.string(), z.array(z.number()).nonempty()).optional();
const SpaceFile = z.strictObject({ logistic: Settings, trees: Settings, lstm: Settings, transformer: Settings });

/** JSON: `{"trees": {"leaves": [8, 15]}}`; settings that are not named keep their values. Throws `TRB_SEARCH_SPACE`. */
export async function readSpace(file: string): Promise<Space> {
  try {
    const parsed = SpaceFile.parse(JSON.parse(await readFile(file, 'utf8')));
    const of = (kind: Kind) => ({ ...DEFAULT_SPACE[kind], ...parsed[kind] });
    return { logistic: of('logistic'), trees: of('trees'), lstm: of('lstm'), transformer: of('transformer') };
  } catch (thrown) {
    throw wrong(`${file}: ${thrown instanceof z.ZodError ? z.prettifyError(thrown) : messageOf(thrown)}`);
  }
}

/** Every combination, or `most` of them drawn by the seed, in the space's order. Throws `TRB_SEARCH_SPACE`. */
export function configurationsOf(space: Space, kind: Kind, most: number, seed: number): Configuration[] {
  const settings = Object.entries(space[kind]);
  const total = settings.reduce((product, [, values]) => product * values.length, 1);
  const drawn = sample(createRandom(seedFor(seed, `search:${kind}`)), total, most);
  return Array.from(drawn, (index) => {
    let rest = index;
    const chosen = settings.map(([name, values]) => {
      const value = values[rest % values.length]!;
      rest = Math.floor(rest / values.length);
      return [name, value] as const;
    });
    const parsed = Configuration.safeParse({ model: kind, ...Object.fromEntries(chosen) });
    if (!parsed.success) throw wrong(`${kind}: ${z.prettifyError(parsed.error)}`);
    return parsed.data;
  });
}

/** Of what is in it, whatever the order. */
export function idOf(content: object): string {
  const entries = Object.entries(content).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(entries)).digest('hex').slice(0, 12);
}

function wrong(what: string): TributaryError {
  return new TributaryError('TRB_SEARCH_SPACE', `The space of a search is not right: ${what}.`, {
    hint: 'Compare with DEFAULT_SPACE in services/search/space.ts.',
  });
}
