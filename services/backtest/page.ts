/** The backtest's report as one HTML page that needs nothing else: the table, and for each head its plots, members and regimes. */
import { accuracyTable } from '#libs/validation/accuracy-table.ts';
import { consistencyText } from '#libs/validation/consistency.ts';
import { type Assessment } from '#libs/validation/metrics.ts';
import { paperTable } from '#libs/validation/paper-table.ts';
import { type BacktestReport, type BacktestResult } from './backtest.ts';
import { type EquityPoint, type Evidence } from './evidence.ts';
import { pathsText } from './paths.ts';
import { barPlot, escape, linePlot, type Point } from './plots.ts';

const STYLE = `
body{font:14px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1400px;padding:0 1rem;color:#1b1f24;background:#fff}
pre,table{font:12px/1.5 ui-monospace,monospace}pre{overflow-x:auto;background:#f6f8fa;padding:1rem}
table{border-collapse:collapse;margin:.5rem 0}td,th{padding:.1rem .8rem .1rem 0;text-align:right}td:first-child,th:first-child{text-align:left}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(380px,1fr));gap:1rem}svg{width:100%;background:#fbfcfd;border:1px solid #d8dee4}
svg text{font:10px system-ui,sans-serif;fill:#424a53;dominant-baseline:middle}.middle{text-anchor:middle}.left{text-anchor:end}.start{text-anchor:start}
svg .title{font-weight:600;font-size:11px}.grid{stroke:#e3e8ed}details{margin:1rem 0}summary{cursor:pointer;font-weight:600}
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}pre,svg{background:#161b22;border-color:#30363d}svg text{fill:#c9d1d9}.grid{stroke:#30363d}}`;

const BLUE = '#2a6f97';
const ORANGE = '#bc4c00';
const GREY = '#8c959f';
const DAY = 86_400_000;
/** Of an ISO time. */
const DAY_OF = [5, 10] as const;
const TIME_OF = [11, 16] as const;

/** `evidence`: by place of the result. */
export function reportPage(report: BacktestReport, evidence: readonly Evidence[]): string {
  const { history } = report;
  const paths = pathsText(report.results);
  const facts = [
    `${history.file}: ${history.candles} candles, ${history.from} to ${history.to}`,
    `${plan(report)}; models ${report.models}; seed ${report.seed}`,
    `${report.features.count} features, schema ${report.features.schema_id}`,
    ...report.flags,
  ];
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Backtest ${escape(history.file)}</title>
<style>${STYLE}</style><h1>Backtest</h1><ul>${facts.map((fact) => `<li>${escape(fact)}</li>`).join('')}</ul>
<pre>${escape(accuracyTable(report))}</pre>
<p>Accuracy is of moves. Intervals, 95 %: block bootstrap over blocks of four hours; of emitted signals Wilson with the effective number of trials.</p>
${report.consistency.length === 0 ? '' : `<pre>${escape(consistencyText(report.consistency))}</pre>`}
${paths === '' ? '' : `<h2>Paths</h2><p>Median, least and most.</p><pre>${escape(paths)}</pre>`}
<h2>Paper strategy</h2><pre>${escape(paperTable(report.results))}</pre>
<p>One stake a signal, in at the first trade at or after publication, out at the last within the horizon, whatever the target. Costs, both ways:
${escape(costsText(report.results))}. Sharpe ratios are of hourly returns, annual by the root of 8,760, with intervals from blocks of four hours.
Deflated: the probability that the true ratio is above the best that ${report.trials.count} trials without skill come to
(${escape(report.trials.from.join(', '))}).</p>
${report.results.map((result, i) => section(result, evidence[i]!)).join('\n')}</html>
`;
}

function plan({ validation, train_until: until, retrain_every_minutes: every }: BacktestReport): string {
  return validation.kind === 'walk-forward'
    ? `decided from ${until} on, retrained every ${every} minutes`
    : `${validation.testGroups} of ${validation.groups} groups before ${until} decided by the others, ${validation.embargo / 60_000} minutes apart`;
}

function costsText(results: readonly BacktestResult[]): string {
  const lines = results.map(
    ({ venue, symbol, costs }) =>
      `${venue} ${symbol} ${costs.taker_fee_bps} bps taker fee and ${costs.half_spread_bps.toFixed(1)} half spread`,
  );
  return [...new Set(lines)].join(', ');
}

function section(result: BacktestResult, evidence: Evidence): string {
  const name = `${result.venue} ${result.symbol} ${result.horizon} ${result.target}`;
  const plots = [
    linePlot({
      title: 'reliability',
      x: { label: 'probability of up', from: 0, to: 1, format: share },
      y: { label: 'share of ups', from: 0, to: 1, format: share },
      series: [
        { name: 'perfect', colour: GREY, style: 'dashed', points: line([0, 0], [1, 1]) },
        { name: 'moves of a tenth', colour: BLUE, style: 'marks', points: reliabilityPoints(evidence) },
      ],
    }),
    linePlot({
      title: 'accuracy at coverage',
      x: { label: 'coverage, most confident first', from: 0, to: 1, format: share },
      y: { label: 'accuracy', format: (value) => value.toFixed(2) },
      series: [
        { name: '0.68', colour: GREY, style: 'dashed', points: line([0, 0.68], [1, 0.68]) },
        {
          name: 'ensemble',
          colour: BLUE,
          points: evidence.curve.map(({ coverage, accuracy }) => ({ x: coverage, y: accuracy })),
        },
        { name: '95 %', colour: BLUE, style: 'marks', points: coveragePoints(result) },
      ],
    }),
    equityPlot('paper strategy before costs', BLUE, evidence, ({ gross }) => gross),
    equityPlot('paper strategy after costs', ORANGE, evidence, ({ net }) => net),
    ...evidence.importance.map(({ member, features }) =>
      barPlot(
        `${member}: rise of the Brier score when shuffled`,
        features.map(({ feature, brierRise }) => ({ name: feature, value: brierRise })),
        (value) => value.toExponential(1),
      ),
    ),
  ];
  return `<details${result.target === 'entry' ? ' open' : ''}><summary>${escape(name)}</summary><div class="plots">${plots.join('')}</div>
${members(result)}${regimes(result)}${folds(result)}</details>`;
}

/** A dot's area grows with its moves. */
function reliabilityPoints({ reliability }: Evidence): Point[] {
  const most = reliability.reduce((largest, { moves }) => Math.max(largest, moves), 1);
  return reliability.map(({ said, came, moves, range }) => ({
    x: said,
    y: came,
    range,
    radius: 1.5 + 4 * Math.sqrt(moves / most),
  }));
}

function coveragePoints({ at_coverage }: BacktestResult): Point[] {
  return at_coverage.flatMap(({ coverage, accuracy, bootstrap }) =>
    accuracy === null ? [] : [{ x: coverage, y: accuracy, range: bootstrap }],
  );
}

function line(...points: readonly (readonly [x: number, y: number])[]): Point[] {
  return points.map(([x, y]) => ({ x, y }));
}

function equityPlot(title: string, colour: string, { equity }: Evidence, of: (point: EquityPoint) => number): string {
  const isLong = (equity.at(-1)?.t ?? 0) - (equity[0]?.t ?? 0) > 2 * DAY;
  return linePlot({
    title,
    x: {
      label: isLong ? 'day, UTC' : 'time, UTC',
      ...(equity.length < 2 ? {} : { from: equity[0]!.t, to: equity.at(-1)!.t }),
      unit: isLong ? DAY : DAY / 24,
      format: (t) => new Date(t).toISOString().slice(...(isLong ? DAY_OF : TIME_OF)),
    },
    y: { label: '% of a stake', format: (value) => value.toLocaleString('en') },
    series: [{ name: title, colour, points: equity.map((point) => ({ x: point.t, y: of(point) / 100 })) }],
  });
}

function members(result: BacktestResult): string {
  const newest = result.folds.at(-1)?.weights ?? {};
  const rows = [
    assessed('ensemble', result, ''),
    ...result.members.map((member) => assessed(member.name, member, weight(newest[member.name]))),
    ...(result.incumbent === undefined ? [] : [assessed('incumbent, calibrated', result.incumbent, '')]),
  ];
  return table(['member', 'weight', 'full', '@50 %', '@20 %', 'cov@68', 'mcc', 'brier', 'ece'], rows);
}

function regimes(result: BacktestResult): string {
  const rows = result.regimes.map((regime) => assessed(`${regime.kind}: ${regime.name}`, regime, String(regime.n)));
  return table(['regime', 'moves', 'full', '@50 %', '@20 %', 'cov@68', 'mcc', 'brier', 'ece'], rows);
}

function folds(result: BacktestResult): string {
  const rows = result.folds.map(({ from, trained, threshold, silenced, weights }) => [
    `from ${from.slice(0, 16).replace('T', ' ')}`,
    String(trained),
    silenced === '' ? threshold.toFixed(3) : `silent: ${silenced}`,
    Object.entries(weights)
      .map(([name, value]) => `${name} ${value.toFixed(2)}`)
      .join(', '),
  ]);
  return table(['fold', 'trained on', 'speaks from', 'weights'], rows);
}

function assessed(name: string, a: Assessment, second: string): string[] {
  const at = (coverage: number): string => decimals(a.at_coverage.find((point) => point.coverage === coverage)?.accuracy ?? null);
  const full = a.bootstrap === null ? '' : ` [${decimals(a.bootstrap[0])}-${decimals(a.bootstrap[1])}]`;
  return [
    name,
    second,
    `${decimals(a.accuracy)}${full}`,
    at(0.5),
    at(0.2),
    share(a.coverage_at_68),
    decimals(a.mcc),
    decimals(a.brier),
    decimals(a.ece),
  ];
}

function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escape(cell)}</${tag}>`).join('')}</tr>`;
  return `<table>${line(heading, 'th')}${rows.map((row) => line(row, 'td')).join('')}</table>`;
}

function weight(value: number | undefined): string {
  return value === undefined ? '-' : value.toFixed(2);
}

function decimals(value: number | null): string {
  return value === null ? '-' : value.toFixed(3);
}

function share(value: number): string {
  return `${(value * 100).toFixed(0)} %`;
}
