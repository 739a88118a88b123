/**
 * What a context source is: one folder here and one line in registry.ts. A source says which series it has, what it costs and allows, how
 * to ask for the newest values (polls) and, where the API keeps some, for history. It is given its client, its clock and its assets; it
 * holds no state of its own, so that a restart changes nothing.
 *
 * Series are named `meaning` or `meaning.ASSET` (`fear_greed`, `market_cap.BTC`); features read them as `source:series`.
 */
import { type WallClock } from '#libs/clock/clock.ts';
import { type Logger } from '#libs/telemetry/logger.ts';
import { type SourceHttp } from './http.ts';

export interface ContextSource {
  /** Lower case; the `source` of its values. */
  readonly id: string;
  /** As users know it. */
  readonly title: string;
  /** Hosts it asks, by a name of the source's own choosing; tests put a local server in their place. */
  readonly hosts: Readonly<Record<string, HostSettings>>;
  /** Whether it runs without being named; the others are opt-in (`--context-sources`). */
  readonly isDefault: boolean;
  readonly key?: KeySettings;
  readonly terms: Terms;
  readonly series: readonly SeriesDeclaration[];
  /** What is asked, and how often. */
  polls(context: SourceContext): readonly Poll[];
  /** Values that became available in [from, to), oldest first, in blocks; absent where the API keeps no history. */
  history?(context: SourceContext, range: { readonly from: number; readonly to: number }): AsyncIterable<readonly Observation[]>;
}

export interface HostSettings {
  readonly baseUrl: string;
  readonly ratePerSecond: number;
  readonly burst: number;
}

export interface KeySettings {
  /** Environment variable; `${env}_FILE` names a file that holds the key instead. */
  readonly env: string;
  /** Without it the source is off, with one notice. */
  readonly isRequired: boolean;
  /** Request headers that carry it: keys never stand in a URL. */
  readonly headers: (key: string) => Readonly<Record<string, string>>;
}

export interface Terms {
  /** For instance `Demo, free key`. */
  readonly plan: string;
  /** Calls the plan allows in a month; absent = no monthly limit is published. */
  readonly callsPerMonth?: number;
  /** Whether values may be passed on, and on what condition, in one sentence. */
  readonly redistribution: string;
}

export interface SeriesDeclaration {
  /** `{asset}` stands for each asset. */
  readonly name: string;
  readonly unit: string;
  readonly meaning: string;
  /** How long a value may serve after it became available, milliseconds. */
  readonly validFor: number;
}

export interface SourceContext {
  /** By name of `hosts`. */
  readonly http: Readonly<Record<string, SourceHttp>>;
  /** Base assets, for instance BTC. */
  readonly assets: readonly string[];
  readonly clock: WallClock;
  readonly logger: Logger;
  /** Whether the source's key is there. */
  readonly hasKey: boolean;
  /** Files that operators give, by option (ETF flows). */
  readonly files: Readonly<Record<string, string>>;
}

export interface Poll {
  readonly name: string;
  readonly everyMs: number;
  /** Requests that one run makes: what the month's projection is made of. */
  readonly calls: number;
  run(signal: AbortSignal): Promise<readonly Observation[]>;
}

/** One value. A poll leaves availability to the runner (now); history must give it. */
export interface Observation {
  /** As declared, `{asset}` filled in. */
  readonly series: string;
  readonly value: number;
  /** End of the period that the value describes, milliseconds. A revision has the same one. */
  readonly observedAt: number;
  /** When the source published it, milliseconds, where it says so; else when it was fetched. */
  readonly publishedAt?: number;
  /** History: the earliest time at which it could have been read, milliseconds; never before its publication. */
  readonly availableAt?: number;
}
