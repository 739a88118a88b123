/** What `tributary doctor` says of context sources: one line each. */
import { describeError } from '#libs/errors/errors.ts';
import { type Environment } from '#libs/secrets/secret.ts';
import { bearer } from '#services/cli/access.ts';
import { chooseSources } from './choose.ts';
import { type SourceCosts, sourceCosts } from './costs.ts';
import { readKey } from './keys.ts';
import { assetsOf } from './main.ts';
import { SOURCES } from './sources/registry.ts';
import { type ContextSource } from './sources/source.ts';

export interface SourceFinding {
  readonly what: string;
  readonly state: 'ok' | 'off' | 'missing';
  readonly detail: string;
}

/** What a running instance has learned, by source: its state and the requests of the month. */
export type LearnedStates = ReadonlyMap<string, { readonly state: string; readonly calls: number; readonly projected: number }>;

export interface ContextQuestion {
  /** As `--context-sources`. */
  readonly chosen: readonly string[];
  readonly symbols: readonly string[];
  readonly environment: Environment;
  readonly states: LearnedStates;
  /** Default: every source. */
  readonly registry?: readonly ContextSource[];
}

/** Throws `TRB_UNKNOWN_SOURCE`. */
export function contextFindings({ chosen, symbols, environment, states, registry = SOURCES }: ContextQuestion): SourceFinding[] {
  const running = new Set(chooseSources(registry, chosen));
  const keys = new Map(registry.map((source) => [source.id, keyOf(source, environment)]));
  const hasKey = ({ id }: ContextSource): boolean => keys.get(id)!.isThere;
  return sourceCosts(assetsOf(symbols), hasKey, registry).map((costs, i) => {
    const source = registry[i]!;
    const key = keys.get(costs.id)!;
    const learned = states.get(costs.id);
    const detail = (state: string): string => `${state}; ${callsOf(costs, learned)}; ${costs.redistribution}`;
    const finding = (state: SourceFinding['state'], text: string): SourceFinding => ({
      what: costs.id,
      state,
      detail: detail(text),
    });
    if (key.problem !== undefined) return finding('missing', key.problem);
    if (!running.has(source)) return finding('off', costs.isDefault ? 'off' : 'opt-in: name it with --context-sources');
    if (costs.isKeyRequired && !key.isThere) return finding('missing', `off: needs ${costs.key ?? 'a key'}`);
    if (learned?.state === 'blocked') return finding('off', 'blocked: it refuses this address; tried again once a day');
    if (learned?.state === 'spent') return finding('off', "off: the month's calls are used up");
    return finding('ok', costs.key !== undefined && !key.isThere ? `on, without ${costs.key}` : 'on');
  });
}

function keyOf({ key }: ContextSource, environment: Environment): { readonly isThere: boolean; readonly problem?: string } {
  try {
    return { isThere: readKey(key, environment) !== undefined };
  } catch (thrown) {
    return { isThere: false, problem: describeError(thrown) };
  }
}

function callsOf({ callsPerMonth, limitPerMonth, plan }: SourceCosts, learned: ReturnType<LearnedStates['get']>): string {
  const limit = limitPerMonth === undefined ? 'no published limit' : String(limitPerMonth);
  const projected = learned === undefined ? callsPerMonth : learned.projected;
  const made = learned === undefined ? '' : `, ${learned.calls} made`;
  return `${projected} calls this month of ${limit} (${plan})${made}`;
}

/** From the metrics of the instance at `url`; empty where none answers. */
export async function readStates(url: string): Promise<LearnedStates> {
  try {
    const response = await fetch(new URL('/metrics', url), { signal: AbortSignal.timeout(2_000), headers: bearer() });
    return response.ok ? statesOf(await response.text()) : new Map();
  } catch {
    return new Map();
  }
}

/** `text`: Prometheus' format. */
export function statesOf(text: string): LearnedStates {
  const states = new Map<string, { state: string; calls: number; projected: number }>();
  const of = (provider: string): { state: string; calls: number; projected: number } => {
    let known = states.get(provider);
    if (known === undefined) states.set(provider, (known = { state: 'on', calls: 0, projected: 0 }));
    return known;
  };
  for (const [, name, labels, value] of text.matchAll(/^tributary_context_(\w+)\{([^}]*)\} (\S+)$/gm)) {
    const label = (key: string): string => new RegExp(`(?:^|,)${key}="([^"]*)"`).exec(labels!)?.[1] ?? '';
    if (name === 'source_state' && value === '1') of(label('provider')).state = label('state');
    if (name === 'calls_month') of(label('provider')).calls = Number(value);
    if (name === 'projected_calls_month') of(label('provider')).projected = Number(value);
  }
  return states;
}
