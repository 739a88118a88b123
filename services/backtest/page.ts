/** The backtest's report as one HTML page that needs nothing else: the table, and for each head its plots, members and regimes. */
import { accuracyTable } from '#libs/validation/accuracy-table.ts';
import { type Assessment } from '#libs/validation/metrics.ts';
import { type BacktestReport, type BacktestResult } from './backtest.ts';
import { type Evidence } from './evidence.ts';
import { barPlot, escape, linePlot } from './plots.ts';

const STYLE = `
body{font:14px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1400px;padding:0 1rem;color:#1b1f24;background:#fff}
pre,table{font:12px/1.5 ui-monospace,monospace}pre{overflow-x:auto;background:#f6f8fa;padding:1rem}
table{border-collapse:collapse;margin:.5rem 0}td,th{padding:.1rem .8rem .1rem 0;text-align:right}td:first-child,th:first-child{text-align:left}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(380px,1fr));gap:1rem}svg{width:100%;background:#fbfcfd;border:1px solid #d8dee4}
svg text{font:10px system-ui,sans-serif;fill:#424a53;dominant-baseline:middle}.middle{text-anchor:middle}.left{text-anchor:end}.start{text-anchor:start}
svg .title{font-weight:600;font-size:11px}.grid{stroke:#e3e8ed}details{margin:1rem 0}summary{cursor:pointer;font-weight:600}
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}pre,svg{background:#161b22;border-color:#30363d}svg text{fill:#c9d1d9}.grid{stroke:#30363d}}`;

/** `evidence`: by place of the result. */
export function reportPage(report: BacktestReport, evidence: readonly Evidence[]): string {
  const { history } = report;
  const facts = [
    `${history.file}: ${history.candles} candles, ${history.from} to ${history.to}`,
    `decided from ${report.train_until} on, retrained every ${report.retrain_every_minutes} minutes; models ${report.models}; seed ${report.seed}`,
    `${report.features.count} features, schema ${report.features.schema_id}`,
    ...report.flags,
  ];
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Backtest ${escape(history.file)}</title>
<style>${STYLE}</style><h1>Backtest</h1><ul>${facts.map((fact) => `<li>${escape(fact)}</li>`).join('')}</ul>
<pre>${escape(accuracyTable(report))}</pre>
<p>Accuracy is of moves. Intervals: block bootstrap over blocks of four hours; of emitted signals Wilson with the effective number of trials.
Equity: one stake a signal, in at publication and out at the horizon's end; costs are the taker fee and half the spread, both ways.</p>
${report.results.map((result, i) => section(result, evidence[i]!)).join('\n')}</html>
`;
}

function section(result: BacktestResult, evidence: Evidence): string {
  const name = `${result.venue} ${result.symbol} ${result.horizon} ${result.target}`;
  const day = (t: number): string => new Date(t).toISOString().slice(5, 10);
  const plots = [
    linePlot({
      title: 'reliability',
      x: { label: 'probability of up', from: 0, to: 1, format: share },
      y: { label: 'share of ups', from: 0, to: 1, format: share },
      series: [
        { name: 'said', colour: '#2a6f97', points: evidence.reliability.map(({ said, came }) => [said, came] as const) },
        {
          name: 'perfect',
          colour: '#8c959f',
          dashed: true,
          points: [
            [0, 0],
            [1, 1],
          ],
        },
      ],
    }),
    linePlot({
      title: 'accuracy at coverage',
      x: { label: 'coverage, most confident first', from: 0, to: 1, format: share },
      y: { label: 'accuracy', format: (value) => value.toFixed(3) },
      series: [
        {
          name: 'ensemble',
          colour: '#2a6f97',
          points: evidence.curve.map(({ coverage, accuracy }) => [coverage, accuracy] as const),
        },
        {
          name: '0.68',
          colour: '#8c959f',
          dashed: true,
          points: [
            [0, 0.68],
            [1, 0.68],
          ],
        },
      ],
    }),
    linePlot({
      title: 'equity of the emitted signals',
      x: { label: 'day', format: day },
      y: { label: 'bps', format: (value) => value.toFixed(0) },
      series: [
        { name: 'before costs', colour: '#2a6f97', points: evidence.equity.map(({ t, gross }) => [t, gross] as const) },
        { name: 'after costs', colour: '#bc4c00', points: evidence.equity.map(({ t, net }) => [t, net] as const) },
      ],
    }),
    barPlot(
      'features, by rise of the Brier score when shuffled',
      evidence.importance.map(({ feature, brierRise }) => ({ name: feature, value: brierRise })),
      (value) => value.toExponential(1),
    ),
  ];
  return `<details${result.target === 'entry' ? ' open' : ''}><summary>${escape(name)}</summary><div class="plots">${plots.join('')}</div>
${members(result)}${regimes(result)}</details>`;
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

function assessed(name: string, a: Assessment, second: string): string[] {
  const at = (coverage: number): string => decimals(a.at_coverage.find((point) => point.coverage === coverage)?.accuracy ?? null);
  const full = a.wilson === null ? '' : ` [${decimals(a.wilson[0])}-${decimals(a.wilson[1])}]`;
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
