/** Records of the log as rows of the store: which table, which columns, which values. Pure. */
import { TributaryError } from '#libs/errors/errors.ts';
import { type LogRecord } from '#libs/log/port.ts';
import { type ArchivedTopic } from '#libs/log/topics.ts';
import { keyOf } from '#libs/registry/thresholds.ts';
import { type Row } from '#libs/store/port.ts';
import { ContextState, DeadLetter, FeatureState, FeatureVector } from '#libs/wire/tributary/v1/features.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { ParityReport } from '#libs/wire/tributary/v1/parity.ts';
import { PaperEvent, PaperState } from '#libs/wire/tributary/v1/paper.ts';
import { ModelSlot } from '#libs/wire/tributary/v1/models.ts';
import { Outcome, Signal } from '#libs/wire/tributary/v1/signals.ts';

export interface Table {
  readonly name: string;
  /** Of the values that `row` gives, in their order. */
  readonly columns: readonly string[];
  /** Throws when the record cannot be read. */
  readonly row: (record: LogRecord) => Row;
}

type Event = NonNullable<Tick['event']>;
export type Kind = Event['$case'];

/** Where a record stands: the first columns of every table. */
const PLACE = ['log_partition', 'log_offset', 'log_time'] as const;
const place = ({ partition, offset, timestamp }: LogRecord) => [partition, offset, timestamp];

/** Columns of an event's own fields, by kind; each kind leaves the others' at their default. */
export const KIND_COLUMNS: Readonly<Record<Kind, readonly string[]>> = {
  trade: ['trade_id', 'price', 'size', 'aggressor', 'repaired'],
  quote: ['bid', 'bid_size', 'ask', 'ask_size'],
  book: [
    ...['bid_prices', 'bid_sizes', 'ask_prices', 'ask_sizes'],
    ...['bid_value_10bps', 'ask_value_10bps', 'bid_value_50bps', 'ask_value_50bps', 'order_flow', 'updates'],
  ],
  status: ['status', 'tick_size', 'renamed_to'],
  heartbeat: [
    ...['healthy', 'last_frame_time', 'clock_skew', 'gaps', 'checksum_failures', 'reconnects', 'conflated_quotes'],
    ...['complete_through_trade_id', 'complete_through_time'],
  ],
  gap: ['gap_kind', 'from_trade_id', 'to_trade_id', 'detail'],
  reference: ['source', 'series', 'seq', 'value', 'published_at', 'effective_t', 'observed_at', 'valid_for'],
  clock: ['t', 'writer_epoch'],
  candle: ['start', 'open', 'high', 'low', 'close', 'volume', 'trades'],
};

function eventValues(event: Event): readonly unknown[] {
  switch (event.$case) {
    case 'trade': {
      const { tradeId, price, size, aggressor, repaired } = event.value;
      return [tradeId, price, size, aggressor, repaired];
    }
    case 'quote': {
      const { bid, bidSize, ask, askSize } = event.value;
      return [bid, bidSize, ask, askSize];
    }
    case 'book': {
      const b = event.value;
      const bands = [b.bidValue10bps, b.askValue10bps, b.bidValue50bps, b.askValue50bps];
      return [b.bidPrices, b.bidSizes, b.askPrices, b.askSizes, ...bands, b.orderFlow, b.updates];
    }
    case 'status':
      return [event.value.status, event.value.tickSize, event.value.renamedTo];
    case 'heartbeat': {
      const h = event.value;
      const counts = [h.gaps, h.checksumFailures, h.reconnects, h.conflatedQuotes];
      return [h.healthy, h.lastFrameTime, h.clockSkew, ...counts, h.completeThroughTradeId, h.completeThroughTime];
    }
    case 'gap':
      return [event.value.kind, event.value.fromTradeId, event.value.toTradeId, event.value.detail];
    case 'reference': {
      const { source, series, seq, value, publishedAt, effectiveT, observedAt, validFor } = event.value;
      return [source, series, seq, value, publishedAt, effectiveT, observedAt, validFor];
    }
    case 'clock':
      return [event.value.t, event.value.writerEpoch];
    case 'candle': {
      const { start, open, high, low, close, volume, trades } = event.value;
      return [start, open, high, low, close, volume, trades];
    }
  }
}

const TICK_COMMON = [...PLACE, 'kind', 'asset', 'venue', 'instrument', 'exchange_time', 'receive_time', 'sequence'];
const TICK_COLUMNS = [...TICK_COMMON, ...Object.values(KIND_COLUMNS).flat()];
export const ARRAYS = new Set(['bid_prices', 'bid_sizes', 'ask_prices', 'ask_sizes', 'order_flow']);
export const TEXTS = new Set(['renamed_to', 'detail', 'source', 'series']);
const FLAGS = new Set(['repaired', 'healthy']);
const EMPTY: readonly unknown[] = [];
const TICK_DEFAULTS: readonly unknown[] = TICK_COLUMNS.map((column) => {
  if (ARRAYS.has(column)) return EMPTY;
  if (TEXTS.has(column)) return '';
  return FLAGS.has(column) ? false : 0;
});
/** Where a kind's columns begin. */
const KIND_START: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(KIND_COLUMNS).map(([kind, [first]]) => [kind, TICK_COLUMNS.indexOf(first!)]),
);

function tickRow(record: LogRecord): Row {
  const { event, asset, venue, instrument, exchangeTime, receiveTime, sequence } = Tick.decode(record.value);
  if (event === undefined)
    throw new TributaryError('TRB_WIRE_UNKNOWN_EVENT', 'A tick of a kind that this version does not know.');
  const row: unknown[] = TICK_DEFAULTS.slice();
  const common = [...place(record), event.$case, asset, venue, instrument, exchangeTime, receiveTime, sequence];
  common.forEach((value, index) => (row[index] = value));
  const start = KIND_START[event.$case]!;
  eventValues(event).forEach((value, index) => (row[start + index] = value));
  return row;
}

const SIGNAL_COLUMNS = [
  ...['asset', 'venue', 'instrument', 'horizon', 't', 'lane', 'direction', 'probability_up', 'confidence', 'threshold'],
  ...['reference_price', 'reference_kind', 'cost_bps', 'quality', 'abstain_reason', 'bundle_id', 'slot', 'published_at'],
  ...['valid_until', 'source', 'unfamiliarity'],
];

function signalValues(s: Signal): unknown[] {
  return [
    ...[s.asset, s.venue, s.instrument, s.horizon, s.t, s.lane, s.direction, s.probabilityUp, s.confidence, s.threshold],
    ...[s.referencePrice, s.referenceKind, s.costBps, s.quality, s.abstainReason, s.bundleId, s.slot, s.publishedAt],
    ...[s.validUntil, s.source, s.unfamiliarity],
  ];
}

const signalTable = (name: string): Table => ({
  name,
  columns: [...PLACE, ...SIGNAL_COLUMNS],
  row: (record) => [...place(record), ...signalValues(Signal.decode(record.value))],
});

const outcomeTable = (name: string): Table => ({
  name,
  columns: [...PLACE, ...SIGNAL_COLUMNS, 'status', 'void_reason', 'entry_price', 'exit_price', 'log_return', 'resolved_at'],
  row: (record) => {
    const o = Outcome.decode(record.value);
    const signal = signalValues(o.signal ?? Signal.fromPartial({}));
    return [...place(record), ...signal, o.status, o.voidReason, o.entryPrice, o.exitPrice, o.logReturn, o.resolvedAt];
  },
});

const stateTable = (name: string): Table => ({
  name,
  columns: [...PLACE, 'state_version', 'partition', 'offset', 'chunk', 'chunks', 'bytes'],
  row: (record) => {
    const s = FeatureState.decode(record.value);
    return [...place(record), s.stateVersion, s.partition, s.offset, s.chunk, s.chunks, s.payload.length];
  },
});

const PAPER_COMMON = [...PLACE, 'kind', 'asset', 'venue', 'instrument', 'time', 'source'];
const FILL_COLUMNS = [
  ...['id', 'horizon', 't', 'side', 'quantity', 'price', 'reference', 'fee', 'spread_cost', 'slippage_cost', 'reason'],
  ...['gross_bps', 'net_bps'],
];
const EQUITY_COLUMNS = [
  ...['cash', 'mark', 'equity', 'drawdown', 'fees', 'spread_costs', 'slippage_costs', 'funding', 'turnover', 'trades'],
  'stop',
];
const PAPER_COLUMNS = [...PAPER_COMMON, 'position', ...FILL_COLUMNS, ...EQUITY_COLUMNS];
const PAPER_TEXTS = new Set(['id', 'horizon', 'reason', 'stop']);
const defaultsOf = (columns: readonly string[]): readonly unknown[] =>
  columns.map((column) => (PAPER_TEXTS.has(column) ? '' : 0));

function paperRow(record: LogRecord): Row {
  const { event, asset, venue, instrument, time, source } = PaperEvent.decode(record.value);
  if (event === undefined)
    throw new TributaryError('TRB_WIRE_UNKNOWN_EVENT', 'A paper event of a kind that this version does not know.');
  const common = [...place(record), event.$case, asset, venue, instrument, time, source, event.value.position];
  if (event.$case === 'fill') {
    const f = event.value;
    const values = [
      f.id,
      f.horizon,
      f.t,
      f.side,
      f.quantity,
      f.price,
      f.reference,
      f.fee,
      f.spreadCost,
      f.slippageCost,
      f.reason,
    ];
    return [...common, ...values, f.grossBps, f.netBps, ...defaultsOf(EQUITY_COLUMNS)];
  }
  const e = event.value;
  const costs = [e.fees, e.spreadCosts, e.slippageCosts, e.funding];
  return [...common, ...defaultsOf(FILL_COLUMNS), e.cash, e.mark, e.equity, e.drawdown, ...costs, e.turnover, e.trades, e.stop];
}

export const TABLES: Readonly<Record<ArchivedTopic, Table>> = {
  ticks: { name: 'ticks', columns: TICK_COLUMNS, row: tickRow },
  features: {
    name: 'features',
    columns: [
      ...[...PLACE, 'asset', 'venue', 'instrument', 't', 'lane', 'schema_id', 'values', 'quality', 'last_price'],
      ...['last_price_age', 'bid', 'ask', 'late_events', 'source_offset', 'context_age'],
    ],
    row: (record) => {
      const v = FeatureVector.decode(record.value);
      return [
        ...[...place(record), v.asset, v.venue, v.instrument, v.t, v.lane, v.schemaId, v.values, v.quality, v.lastPrice],
        ...[v.lastPriceAge, v.bid, v.ask, v.lateEvents, v.sourceOffset, v.contextAge],
      ];
    },
  },
  'feature-state': stateTable('feature_states'),
  'outcome-state': stateTable('outcome_states'),
  'context-state': {
    name: 'context_states',
    columns: [...PLACE, 'source', 'month', 'calls', 'series'],
    row: (record) => {
      const { source, month, calls, series } = ContextState.decode(record.value);
      return [...place(record), source, month, calls, series.length];
    },
  },
  signals: signalTable('signals'),
  outcomes: outcomeTable('outcomes'),
  shadow: signalTable('shadow'),
  'shadow-outcomes': outcomeTable('shadow_outcomes'),
  paper: { name: 'paper', columns: PAPER_COLUMNS, row: paperRow },
  'paper-state': {
    name: 'paper_states',
    columns: [...PLACE, 'account', 'version', 'signals_offset', 'bytes'],
    row: (record) => {
      const { account, version, signalsOffset, payload } = PaperState.decode(record.value);
      return [...place(record), account, version, signalsOffset, payload.length];
    },
  },
  parity: {
    name: 'parity',
    columns: [
      ...[...PLACE, 'partition', 'time', 'source', 'from_offset', 'to_offset', 'vectors', 'vector_mismatches', 'signals'],
      ...['signal_mismatches', 'signals_skipped', 'findings', 'restarted'],
    ],
    row: (record) => {
      const p = ParityReport.decode(record.value);
      return [
        ...[...place(record), p.partition, p.time, p.source, p.fromOffset, p.toOffset, p.vectors, p.vectorMismatches, p.signals],
        ...[p.signalMismatches, p.signalsSkipped, p.findings.join('; '), p.restarted],
      ];
    },
  },
  'parity-state': stateTable('parity_states'),
  models: {
    name: 'models',
    columns: [
      ...[...PLACE, 'slot', 'bundle_id', 'effective_t', 'actor', 'reason', 'time', 'bundle', 'pinned', 'share'],
      ...['threshold_heads', 'threshold_shifts'],
    ],
    row: (record) => {
      const m = ModelSlot.decode(record.value);
      const slot = [m.slot, m.bundleId, m.effectiveT, m.actor, m.reason, m.time, m.bundle, m.pinned, m.share];
      return [...place(record), ...slot, m.thresholds.map(keyOf), m.thresholds.map(({ by }) => by)];
    },
  },
  'dead-letter': {
    name: 'dead_letter',
    columns: [...PLACE, 'topic', 'partition', 'offset', 'key', 'value', 'service', 'code', 'detail', 'time'],
    row: (record) => {
      const d = DeadLetter.decode(record.value);
      return [...place(record), d.topic, d.partition, d.offset, d.key, d.value, d.service, d.code, d.detail, d.time];
    },
  },
};
