/** Observations that are news become context values: numbered, dated, and from a second on that no vector has seen yet. */
import { type ContextRow } from '#libs/history/events.ts';
import { MOST_RECENT, type SourceMemory } from './memory.ts';
import { type ContextSource, type Observation, type SeriesDeclaration } from './sources/source.ts';

/**
 * Milliseconds after it is known from which on a value may be used: by then it has reached every partition, so that its place among the
 * ticks of its second cannot matter (docs/decisions/007).
 */
export const EFFECT_DELAY_MS = 2_000;
/** A time so far ahead of ours is no skew of clocks. */
const FARTHEST_AHEAD_MS = 3_600_000;

export type Refusal = 'not_finite' | 'undeclared' | 'stale' | 'ahead';

export interface NewValues {
  /** In order of seq within each series. */
  readonly rows: readonly ContextRow[];
  readonly refused: readonly { readonly series: string; readonly reason: Refusal }[];
}

/**
 * What of `observations` is new to `memory`: another period, or another value of a period (a revision). Enters it into `memory`.
 *
 * `seq` is the time of effect, raised where two of a series fall together: it increases whatever restarts between, and history, which is
 * numbered in the same way (services/backfill), lies below what comes live after it.
 */
export function newValues(
  source: ContextSource,
  assets: readonly string[],
  observations: readonly Observation[],
  memory: SourceMemory,
  now: number,
): NewValues {
  const declared = declarations(source, assets);
  const rows: ContextRow[] = [];
  const refused: { series: string; reason: Refusal }[] = [];
  for (const observation of observations.toSorted((a, b) => a.observedAt - b.observedAt)) {
    const { series, value } = observation;
    const observedAt = Math.round(observation.observedAt);
    const declaration = declared.get(series);
    const reason = refusalOf(observation, declaration, now);
    if (declaration === undefined || reason !== undefined) {
      refused.push({ series, reason: reason ?? 'undeclared' });
      continue;
    }
    const published = memory.published(series);
    const { recent } = published;
    if (recent.get(observedAt) === value || (recent.size >= MOST_RECENT && observedAt < oldest(recent))) continue;
    const publishedAt = Math.round(observation.publishedAt ?? now);
    const availableAt = Math.max(now, publishedAt) + EFFECT_DELAY_MS;
    published.lastSeq = Math.max(published.lastSeq + 1, availableAt);
    remember(recent, observedAt, value);
    const { validFor } = declaration;
    rows.push({ source: source.id, series, seq: published.lastSeq, value, observedAt, publishedAt, availableAt, validFor });
  }
  return { rows, refused };
}

/** Every series by name, `{asset}` filled in. */
export function declarations({ series }: ContextSource, assets: readonly string[]): ReadonlyMap<string, SeriesDeclaration> {
  return new Map(
    series.flatMap((declaration) => {
      const { name } = declaration;
      const names = name.includes('{asset}') ? assets.map((asset) => name.replace('{asset}', asset)) : [name];
      return names.map((each) => [each, declaration] as const);
    }),
  );
}

function refusalOf(
  { value, observedAt, publishedAt }: Observation,
  declaration: SeriesDeclaration | undefined,
  now: number,
): Refusal | undefined {
  if (declaration === undefined) return 'undeclared';
  if (!Number.isFinite(value) || !Number.isFinite(observedAt)) return 'not_finite';
  const newest = Math.max(observedAt, publishedAt ?? observedAt);
  if (newest > now + FARTHEST_AHEAD_MS) return 'ahead';
  // A source that stands still: its value is past its time before we have seen it.
  return now - newest > declaration.validFor ? 'stale' : undefined;
}

function oldest(recent: ReadonlyMap<number, number>): number {
  return recent.keys().next().value ?? -Infinity;
}

function remember(recent: Map<number, number>, observedAt: number, value: number): void {
  recent.set(observedAt, value);
  const kept = [...recent].sort(([a], [b]) => a - b).slice(-MOST_RECENT);
  recent.clear();
  for (const [time, each] of kept) recent.set(time, each);
}
