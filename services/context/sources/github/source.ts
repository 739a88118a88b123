/**
 * GitHub: commits and stars of each coin's main repository. Without a key 60 requests an hour are allowed, with one 5,000. Commits of the
 * past are no history: they may have been pushed long after the date they bear.
 */
import { z } from 'zod';
import { observationsAt } from '../answer-fields.ts';
import { type ContextSource, type Observation, type Poll } from '../source.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

/** Repositories move: an archived one has no commits any more, which says nothing of its coin. */
const REPOSITORIES: Readonly<Record<string, string>> = {
  BTC: 'bitcoin/bitcoin',
  ETH: 'ethereum/go-ethereum',
  SOL: 'anza-xyz/agave',
  ADA: 'IntersectMBO/cardano-node',
  XRP: 'XRPLF/rippled',
  AVAX: 'ava-labs/avalanchego',
  DOT: 'paritytech/polkadot-sdk',
  SUI: 'MystenLabs/sui',
  LINK: 'smartcontractkit/chainlink',
};

export const Repository = z.object({ stargazers_count: z.number(), archived: z.boolean().optional() });
export type Repository = z.infer<typeof Repository>;

/** `/stats/commit_activity`: 52 weeks from Sunday 00:00 UTC, in seconds. */
export const Weeks = z.array(z.object({ total: z.number(), week: z.number() }));
export type Weeks = z.infer<typeof Weeks>;

export function repositoryObservations(asset: string, repository: Repository, now: number): Observation[] {
  return repository.archived === true
    ? []
    : observationsAt({ observedAt: now }, { [`stars.${asset}`]: repository.stargazers_count });
}

/** The last four weeks that are over by `now`; the last of an answer is under way when it is made, and answers may be old. */
export function commitObservations(asset: string, weeks: Weeks, now: number): Observation[] {
  const known = weeks.map(({ week, total }) => ({ end: week * 1000 + WEEK, total })).sort((a, b) => a.end - b.end);
  const last = known
    .slice(0, -1)
    .filter(({ end }) => end <= now)
    .slice(-4);
  const observedAt = last.at(-1)?.end;
  if (last.length < 4 || observedAt === undefined) return [];
  return observationsAt({ observedAt }, { [`commits_4w.${asset}`]: last.reduce((sum, { total }) => sum + total, 0) });
}

export const github: ContextSource = {
  id: 'github',
  title: 'GitHub',
  hosts: { api: { baseUrl: 'https://api.github.com', ratePerSecond: 0.1, burst: 2 } },
  isDefault: true,
  key: { env: 'GITHUB_TOKEN', isRequired: false, headers: (key) => ({ authorization: `Bearer ${key}` }) },
  terms: { plan: 'free, no key', redistribution: 'Counts of public repositories may be passed on.' },
  series: [
    { name: 'commits_4w.{asset}', unit: 'commits', meaning: 'commits of the last four whole weeks', validFor: 9 * DAY },
    { name: 'stars.{asset}', unit: 'stars', meaning: 'users who have starred the repository', validFor: 3 * DAY },
  ],
  polls: ({ http, assets, clock }) =>
    assets.flatMap((asset): readonly Poll[] => {
      const repository = REPOSITORIES[asset];
      if (repository === undefined) return [];
      return [
        {
          name: `stars ${asset}`,
          everyMs: DAY,
          calls: 1,
          run: async (signal) =>
            repositoryObservations(
              asset,
              await http['api']!.getJson(`/repos/${repository}`, {}, Repository, signal),
              clock.now(),
            ),
        },
        {
          name: `commits ${asset}`,
          // The first question is answered with 202 and nothing, while the answer is being made: asked again soon and often enough.
          everyMs: 6 * HOUR,
          calls: 1,
          run: async (signal) => {
            const weeks = await http['api']!.getJson(`/repos/${repository}/stats/commit_activity`, {}, Weeks, signal);
            return commitObservations(asset, weeks, clock.now());
          },
        },
      ];
    }),
};
