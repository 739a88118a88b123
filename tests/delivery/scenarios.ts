/**
 * What goes wrong, one after another on one running system, so that each scenario also meets what the one before has left. Those that have
 * to begin at some second of the minute stand between those that need not, which fill the time until then.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type BystanderName, BYSTANDERS, PARTITIONS, type Rig, SERVICES, type VenueName, VENUES } from './rig.ts';

export interface Scenario {
  readonly name: string;
  /** Second of the minute at which it begins, so that what it hits is due right then; undefined = at once. */
  readonly at?: number;
  /** Longest recovery that passes, seconds. */
  readonly bar: number;
  /** Only with `--long`, or where it is named: CI has fifteen minutes, and another scenario there does nearly the same. */
  readonly isLong?: boolean;
  /** What it hits runs only where such scenarios do. */
  readonly needsBystanders?: boolean;
  /** Venues that it is about: the others' signals go on. */
  readonly venues?: readonly string[];
  /** They go dark, and what counts is how soon they are masked. */
  readonly isDark?: boolean;
  /**
   * Does it and waits until all should be well again; `scale` multiplies outages. Resolves to the moment from which recovery counts where
   * that is not the beginning, milliseconds, or to the recovery itself where the log does not show it, or to why it cannot be done here.
   */
  readonly run: (rig: Rig, scale: number) => Promise<Outcome | undefined>;
}

export type Outcome = { readonly mendedAt: number } | { readonly recoverySeconds: number } | { readonly leftOut: string };

const SERVICE_BAR = 10;
const BROKER_BAR = 15;
const MASK_BAR = 5;
/** After which a service that was killed is expected to work, ms. */
const SETTLE = 13_000;
/** A vector is made at each whole minute, decided upon at once, and settled a minute and two seconds of grace later. */
const BEFORE_VECTORS = 59;
const BEFORE_OUTCOMES = 2;
const ENDINGS = { SIGKILL: 'kill -9', SIGTERM: 'SIGTERM' } as const;
type Ending = keyof typeof ENDINGS;
const EVERYBODY = [...SERVICES, 'clock-standby', ...BYSTANDERS];

function ends(service: (typeof SERVICES)[number], signal: Ending): Scenario {
  const at = { features: BEFORE_VECTORS, inference: BEFORE_VECTORS, evaluation: BEFORE_OUTCOMES };
  return {
    name: `${ENDINGS[signal]} ${service}`,
    ...(service in at ? { at: at[service as keyof typeof at] } : {}),
    bar: SERVICE_BAR,
    run: async (rig) => {
      rig.kill(service, signal);
      const begin = Date.now();
      if (service === 'archive') return { recoverySeconds: (await rig.untilArchived(30_000)) / 1000 };
      await delay(SETTLE - (Date.now() - begin));
      return undefined;
    },
  };
}

function endsBystander(service: BystanderName, signal: Ending): Scenario {
  return {
    name: `${ENDINGS[signal]} ${service}`,
    bar: SERVICE_BAR,
    needsBystanders: true,
    run: async (rig) => {
      rig.kill(service, signal);
      return { recoverySeconds: (await rig.untilReady(service)) / 1000 };
    },
  };
}

function killsBroker(index: number): Scenario {
  return {
    name: `kill -9 broker ${index + 1}`,
    at: BEFORE_VECTORS - 1,
    bar: BROKER_BAR,
    run: async (rig, scale) => {
      await rig.cluster.end(index);
      await delay(8_000 * scale);
      await rig.cluster.restart(index);
      await delay(10_000);
      return undefined;
    },
  };
}

/** `venues` go dark for ten seconds; their sockets are closed and nobody is let in. */
function dark(name: string, venues: readonly VenueName[]): Scenario {
  return {
    name,
    at: BEFORE_VECTORS - 6,
    bar: MASK_BAR,
    venues,
    isDark: true,
    run: async (rig, scale) => {
      for (const venue of venues) {
        await rig.fault(venue, 'refuse', { seconds: 10 * scale });
        await rig.fault(venue, 'cut');
      }
      await delay(10_000 * scale + 8_000);
      return undefined;
    },
  };
}

const ROLLING_RESTART: Scenario = {
  name: 'rolling restart of the brokers',
  bar: Infinity,
  run: async (rig) => {
    for (const index of rig.cluster.brokers.keys()) {
      await rig.cluster.end(index, 'SIGTERM');
      await rig.cluster.restart(index);
      await delay(2_000);
    }
    await delay(4_000);
    return undefined;
  },
};

const MOVING_LEADERS: Scenario = {
  name: 'leaders move every few seconds',
  bar: Infinity,
  run: async (rig, scale) => {
    for (let round = 0; round < 4 * scale; round++) {
      await rig.moveLeaders();
      await delay(5_000);
    }
    await delay(5_000);
    return undefined;
  },
};

const NETWORK_CUT: Scenario = {
  name: 'network cut: features and ingest-kraken lose the brokers',
  at: BEFORE_VECTORS,
  bar: SERVICE_BAR,
  run: async (rig, scale) => {
    rig.cluster.proxy.cut();
    await delay(6_000 * scale);
    rig.cluster.proxy.heal();
    const mendedAt = Date.now();
    await delay(SETTLE);
    return { mendedAt };
  },
};

const CLICKHOUSE_DOWN: Scenario = {
  name: 'ClickHouse down',
  bar: SERVICE_BAR,
  run: async (rig, scale) => {
    await rig.store.down();
    await delay(30_000 * scale);
    await rig.store.up();
    return { recoverySeconds: (await rig.untilArchived(60_000 * scale)) / 1000 };
  },
};

const REBALANCE_STORM: Scenario = {
  name: 'rebalance storm',
  bar: SERVICE_BAR,
  run: async (rig, scale) => {
    const services = ['features', 'inference', 'evaluation'] as const;
    for (let round = 0; round < 3 * scale; round++) {
      const leave = services.map((service) => rig.join(service));
      await delay(5_000);
      await Promise.all(leave.map((each) => each()));
      await delay(1_000);
    }
    const mendedAt = Date.now();
    await delay(SETTLE);
    return { mendedAt };
  },
};

const ZOMBIE: Scenario = {
  name: 'SIGSTOP features, another member takes over, the zombie wakes',
  at: 54,
  bar: SERVICE_BAR,
  run: async (rig, scale) => {
    const leave = rig.join('features');
    await delay(4_000);
    rig.kill('features', 'SIGSTOP');
    const mendedAt = Date.now();
    await delay(6_000 * scale);
    rig.kill('features', 'SIGCONT');
    await delay(5_000);
    await leave();
    await delay(8_000);
    return { mendedAt };
  },
};

const STALLED: Scenario = {
  name: 'coinbase stalled',
  at: BEFORE_VECTORS - 6,
  bar: MASK_BAR,
  venues: ['coinbase'],
  isDark: true,
  run: async (rig, scale) => {
    await rig.fault('coinbase', 'stall', { seconds: 8 * scale });
    await delay(8_000 * scale + 6_000);
    return undefined;
  },
};

const LYING: Scenario = {
  name: 'venues lying: holes, crossed books, absurd prices, prices times ten, broken frames, bad checksums',
  bar: Infinity,
  run: async (rig) => {
    for (const venue of VENUES) {
      for (const kind of ['gap', 'crossed', 'absurd'] as const) {
        await rig.fault(venue, kind, { count: 5 });
        await delay(1_000);
      }
      await rig.fault(venue, 'tenfold', { count: 50 });
      await rig.fault(venue, 'malformed');
    }
    await rig.fault('kraken', 'badChecksum', { count: 5 });
    await delay(8_000);
    return undefined;
  },
};

/** Across a whole minute, so that vectors are made meanwhile. */
const TENFOLD: Scenario = {
  name: 'kraken lying: prices times ten',
  at: BEFORE_VECTORS - 4,
  bar: Infinity,
  venues: ['kraken'],
  run: async (rig) => {
    for (let second = 0; second < 10; second++) {
      await rig.fault('kraken', 'tenfold', { count: 20 });
      await delay(1_000);
    }
    await delay(8_000);
    return undefined;
  },
};

const AHEAD_IN_TIME: Scenario = {
  name: 'kraken 10 minutes ahead in time',
  bar: Infinity,
  run: async (rig, scale) => {
    await rig.fault('kraken', 'clockSkew', { offsetMs: 600_000, seconds: 15 * scale });
    await delay(15_000 * scale + 3_000);
    return undefined;
  },
};

const UPGRADE: Scenario = {
  name: 'features restarts as another version, rebuilt beside the old one',
  bar: SERVICE_BAR,
  run: async (rig) => {
    rig.upgrade('features');
    const leave = rig.join('features');
    await rig.untilSaid('features-2', 'rebuilt for want of a snapshot', PARTITIONS);
    rig.kill('features', 'SIGTERM');
    const mendedAt = Date.now();
    await delay(SETTLE);
    await leave();
    await delay(5_000);
    return { mendedAt };
  },
};

/** A broker whose only disk is full stops itself; whoever looks after it makes room and starts it again. */
const DISK_FULL: Scenario = {
  name: 'disk full under broker 3',
  at: BEFORE_VECTORS - 4,
  bar: BROKER_BAR,
  run: async (rig) => {
    const { cluster } = rig;
    if (cluster.disk === undefined) return { leftOut: 'mounting a disk of its own is refused here' };
    cluster.disk.fill();
    await delay(15_000);
    cluster.disk.free();
    await cluster.end(2);
    await cluster.restart(2);
    await delay(10_000);
    return undefined;
  },
};

function endsAll(signal: Ending): Scenario {
  return {
    name: `${ENDINGS[signal]} all services`,
    at: BEFORE_VECTORS,
    bar: SERVICE_BAR,
    run: async (rig) => {
      for (const service of EVERYBODY) rig.kill(service, signal);
      await delay(SETTLE);
      return undefined;
    },
  };
}

/** In an order in which little time is lost with waiting for the next one's second of the minute; what folds the log anew while it is short. */
export const SCENARIOS: readonly Scenario[] = [
  LYING,
  ends('inference', 'SIGKILL'),
  ends('ingest-coinbase', 'SIGKILL'),
  ends('features', 'SIGKILL'),
  ROLLING_RESTART,
  ends('evaluation', 'SIGKILL'),
  MOVING_LEADERS,
  ZOMBIE,
  UPGRADE,
  endsAll('SIGTERM'),
  AHEAD_IN_TIME,
  dark('both venues gone, then back', VENUES),
  REBALANCE_STORM,
  killsBroker(0),
  ends('archive', 'SIGKILL'),
  ends('ingest-kraken', 'SIGKILL'),
  DISK_FULL,
  ends('clock', 'SIGKILL'),
  endsAll('SIGKILL'),
  CLICKHOUSE_DOWN,
  NETWORK_CUT,
  dark('coinbase dead', ['coinbase']),
  ...[killsBroker(1), killsBroker(2), dark('kraken dead', ['kraken'])].map(inLong),
  ...[STALLED, TENFOLD].map(inLong),
  ...SERVICES.map((service) => inLong(ends(service, 'SIGTERM'))),
  ...BYSTANDERS.flatMap((service) => [inLong(endsBystander(service, 'SIGKILL')), inLong(endsBystander(service, 'SIGTERM'))]),
];

function inLong(scenario: Scenario): Scenario {
  return { ...scenario, isLong: true };
}
