/** What paper trading shows to Prometheus, by account. */
import { type Registry } from 'prom-client';
import { type Refusal } from '#libs/paper/account.ts';
import { serviceMetrics } from '#libs/telemetry/metrics.ts';
import { ANNUAL, sharpeRatio } from '#libs/validation/sharpe.ts';
import { type PaperEvent } from '#libs/wire/tributary/v1/paper.ts';
import { type Account } from './accounts.ts';

const ACCOUNT = ['venue', 'instrument'] as const;

export class PaperMetrics {
  readonly lag;
  readonly unreadable;
  readonly #fills;
  readonly #refused;
  readonly #gauges;
  readonly #costs;

  constructor(registry: Registry) {
    const metrics = serviceMetrics(registry, 'paper');
    this.lag = metrics.gauge('lag_records', 'Ticks in the log that are not read yet.', ['partition']);
    this.unreadable = metrics.counter('unreadable_records_total', 'Records that went to dead-letter.', ['topic']);
    for (const topic of ['ticks', 'signals']) this.unreadable.inc({ topic }, 0);
    this.#fills = metrics.counter('fills_total', 'Orders that met the market, by why they were sent.', [...ACCOUNT, 'reason']);
    this.#refused = metrics.counter('refused_total', 'Signals that were not followed.', [...ACCOUNT, 'reason']);
    this.#costs = metrics.gauge('costs', 'Paid since the account began, quote currency, by kind.', [...ACCOUNT, 'kind']);
    const gauge = (name: string, help: string) => metrics.gauge(name, help, ACCOUNT);
    this.#gauges = {
      equity: gauge('equity', 'Cash and position at the newest price, quote currency.'),
      position: gauge('position', 'Value of the position, quote currency; negative = short.'),
      drawdown: gauge('drawdown_ratio', 'Below the highest equity so far.'),
      sharpe: gauge('sharpe_ratio', 'Annual, of the hourly returns of the last 30 days; 0 until two hours are over.'),
      turnover: gauge('turnover', 'Bought and sold since the account began, quote currency.'),
      trades: gauge('trades', 'Stakes that were closed since the account began.'),
      stopped: gauge('stopped', '1 = a limit or the kill switch keeps it from trading.'),
    };
  }

  refused({ venue, instrument }: Account, reason: Refusal): void {
    this.#refused.inc({ venue, instrument, reason });
  }

  /** After what it shows is in the log. */
  made({ venue, instrument, event }: PaperEvent): void {
    if (event?.$case === 'fill') this.#fills.inc({ venue, instrument, reason: event.value.reason });
  }

  show({ venue, instrument, paper }: Account): void {
    const labels = { venue, instrument };
    const { equity, position, mark, drawdown, turnover, trades, stop, ...costs } = paper.report();
    const hours = paper.hourlyReturns();
    this.#gauges.equity.set(labels, equity);
    this.#gauges.position.set(labels, position * mark);
    this.#gauges.drawdown.set(labels, drawdown);
    this.#gauges.sharpe.set(labels, hours.length < 2 ? 0 : sharpeRatio({ from: 0, values: hours }) * ANNUAL);
    this.#gauges.turnover.set(labels, turnover);
    this.#gauges.trades.set(labels, trades);
    this.#gauges.stopped.set(labels, stop === '' ? 0 : 1);
    this.#costs.set({ ...labels, kind: 'fee' }, costs.fees);
    this.#costs.set({ ...labels, kind: 'spread' }, costs.spreadCosts);
    this.#costs.set({ ...labels, kind: 'slippage' }, costs.slippageCosts);
    this.#costs.set({ ...labels, kind: 'funding' }, costs.funding);
  }

  /** The partition went to another member, which shows its accounts now. */
  forget(accounts: Iterable<Account>, partition: number): void {
    for (const { venue, instrument } of accounts) {
      for (const gauge of Object.values(this.#gauges)) gauge.remove({ venue, instrument });
      for (const kind of ['fee', 'spread', 'slippage', 'funding']) this.#costs.remove({ venue, instrument, kind });
    }
    this.lag.remove({ partition });
  }
}
