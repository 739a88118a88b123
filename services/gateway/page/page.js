/** The page: draws what the stream says; keeps nothing but the last half hour of prices. */
import uPlot from './vendor/uplot.js';

const SECONDS_SHOWN = 1800;
const COLOURS = ['#2b8fb3', '#c9772e', '#7c62c4', '#3f9a5f', '#b84f79'];
const byId = (id) => document.getElementById(id);
/** venue:symbol -> [{t, price}] */
const prices = new Map();
let instrument;
let charts = [];
let chartKey = '';

const stream = new EventSource('api/stream');
stream.onmessage = (message) => show(JSON.parse(message.data));
stream.onerror = () => {
  byId('source').textContent = 'CONNECTION LOST';
  byId('source').className = 'badge away';
};

function show(update) {
  keepPrices(update);
  const badge = { live: 'LIVE', sim: 'SIMULATED', replay: 'REPLAY' }[update.source];
  byId('source').textContent = badge;
  byId('source').className = `badge ${update.source}`;
  document.title = `${badge === 'LIVE' ? '' : `${badge} · `}Tributary`;
  byId('phase').textContent = update.phase;
  showCounts(update);
  showInstruments();
  drawCharts();
  fill('decisions', update.decisions.sort(byName).map(decisionRow));
  byId('decisions-t').textContent = update.decisions.length > 0 ? clock(Math.max(...update.decisions.map((row) => row.t))) : '';
  fill('signals', update.signals.slice().reverse().map(signalRow));
  byId('signals-empty').hidden = update.signals.length > 0;
  fill('accuracy', update.accuracy.map(accuracyRow));
  byId('accuracy-empty').hidden = update.accuracy.length > 0;
  fill(
    'models',
    update.models.slots.flatMap((held) => slotRows(held, update.models.accuracy)),
  );
  byId('models-empty').hidden = update.models.slots.length > 0;
  fill('feeds', update.feeds.sort(byName).map(feedRow));
}

function keepPrices(update) {
  if (update.whole) prices.clear();
  for (const series of update.prices) {
    const key = `${series.venue}:${series.instrument}`;
    const points = prices.get(key) ?? [];
    const last = points.at(-1)?.t ?? 0;
    points.push(...series.points.filter((point) => point.t > last));
    prices.set(key, points.slice(-SECONDS_SHOWN));
  }
}

function showCounts(update) {
  const counts = {
    Uptime: duration(update.uptimeS),
    Ticks: update.counts.ticks,
    Vectors: update.counts.vectors,
    Signals: update.counts.signals,
    Outcomes: update.counts.outcomes,
    Gaps: update.gaps,
  };
  byId('counts').replaceChildren(
    ...Object.entries(counts).map(([name, value]) =>
      element(
        'div',
        {},
        element('dt', {}, name),
        element('dd', {}, typeof value === 'number' ? value.toLocaleString('en') : value),
      ),
    ),
  );
}

function showInstruments() {
  const names = [...new Set([...prices.keys()].map((key) => key.split(':')[1]))]
    .filter((name) => !/^(USDT|USDC|EUR)-/.test(name))
    .sort();
  instrument ??= names[0];
  if (byId('instruments').dataset.names !== `${names} ${instrument}`) {
    byId('instruments').dataset.names = `${names} ${instrument}`;
    byId('instruments').replaceChildren(
      ...names.map((name) => {
        const button = element('button', { 'aria-pressed': String(name === instrument) }, name);
        button.onclick = () => {
          instrument = name;
          showInstruments();
          drawCharts();
        };
        return button;
      }),
    );
  }
}

function drawCharts() {
  const venues = [...prices.keys()]
    .filter((key) => key.endsWith(`:${instrument}`))
    .map((key) => key.split(':')[0])
    .sort();
  if (venues.length === 0) return;
  const times = [...new Set(venues.flatMap((venue) => prices.get(`${venue}:${instrument}`).map((point) => point.t)))].sort(
    (a, b) => a - b,
  );
  const lines = venues.map((venue) => {
    const at = new Map(prices.get(`${venue}:${instrument}`).map((point) => [point.t, point.price]));
    return times.map((t) => at.get(t) ?? null);
  });
  const seconds = times.map((t) => t / 1000);
  const spreads = lines
    .slice(1)
    .map((line) => line.map((price, i) => (price && lines[0][i] ? Math.log(price / lines[0][i]) * 1e4 : null)));
  const key = `${instrument} ${venues}`;
  if (key !== chartKey) {
    for (const chart of charts) chart.destroy();
    charts = [
      chart('prices', venues, 2),
      chart(
        'spread',
        venues.slice(1).map((venue) => `${venue} − ${venues[0]}`),
        1,
        1,
      ),
    ];
    chartKey = key;
  }
  charts[0].setData([seconds, ...lines]);
  charts[1].setData([seconds, ...spreads]);
}

function chart(id, labels, digits, firstColour = 0) {
  const style = getComputedStyle(document.body);
  const axis = {
    stroke: style.color,
    grid: { stroke: style.getPropertyValue('--line') },
    ticks: { stroke: style.getPropertyValue('--line') },
  };
  const number = (value) =>
    value === null || value === undefined
      ? '–'
      : value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const box = byId(id);
  return new uPlot(
    {
      width: box.clientWidth,
      height: box.clientHeight - 30,
      axes: [axis, { ...axis, size: 80, values: (_chart, values) => values.map(number) }],
      series: [
        {},
        ...labels.map((label, i) => ({
          label,
          stroke: COLOURS[i + firstColour],
          width: 1.5,
          spanGaps: true,
          value: (_chart, value) => number(value),
        })),
      ],
    },
    [[], ...labels.map(() => [])],
    box,
  );
}

addEventListener('resize', () => {
  chartKey = '';
  drawCharts();
});

function decisionRow(row) {
  const reason = row.direction === 'abstain' ? row.abstain_reason.replaceAll('_', ' ') : '';
  return [
    row.venue,
    row.symbol,
    row.horizon,
    arrow(row.direction),
    number(row.probability_up, 3),
    row.threshold > 1 ? 'silenced' : number(row.threshold, 3),
    reason,
  ];
}

function signalRow(row) {
  return [
    clock(row.published_at),
    row.venue,
    row.symbol,
    row.horizon,
    arrow(row.direction),
    percent(row.confidence),
    number(row.reference_price, 2),
    number(row.cost_bps, 1),
  ];
}

function accuracyRow(row) {
  return [
    row.venue,
    row.symbol,
    row.horizon,
    row.emitted,
    row.accuracy === null ? '–' : percent(row.accuracy),
    interval(row),
    percent(row.coverage),
    percent(row.accuracyAll),
    percent(row.majority),
    percent(row.flatShare),
  ];
}

/** A slot that nothing has come of yet has one row. */
function slotRows(held, accuracy) {
  const slot = held.lane === 'fast' ? `fast ${held.slot}` : held.slot;
  const more = held.pinned ? ' (pinned)' : held.share > 0 ? ` (serves ${percent(held.share)})` : '';
  const name = [slot + more, held.bundle_id];
  const rows = accuracy.filter((row) => row.lane === held.lane && row.slot === held.slot).sort(byName);
  if (rows.length === 0) return [[...name, '', '', '', 0, '–', '–', '–', '–', '–']];
  return rows.map((row) => [
    ...name,
    row.venue,
    row.symbol,
    row.horizon,
    row.moves,
    percent(row.accuracy),
    row.emittedAccuracy === null ? '–' : `${percent(row.emittedAccuracy)} of ${row.emittedMoves}`,
    row.pairedMoves === 0 ? '–' : row.pairedMoves,
    percent(row.pairedAccuracy),
    percent(row.publishedAccuracy),
  ]);
}

function feedRow(row) {
  const silent = row.silentMs > 3000;
  const state = element(
    'span',
    { class: row.healthy && !silent ? 'up' : 'down' },
    silent ? `silent ${Math.round(row.silentMs / 1000)} s` : row.healthy ? 'live' : 'down',
  );
  return [
    row.venue,
    row.instrument,
    state,
    number(row.latencyMs, 0),
    number(row.skewMs, 0),
    row.gaps,
    row.checksumFailures,
    row.reconnects,
  ];
}

/** Accuracy with its Wilson interval on a 0.4 … 1 scale. */
function interval(row) {
  if (row.accuracy === null) return '';
  const x = (value) => 5 + (Math.max(0.4, value) - 0.4) * (130 / 0.6);
  const svg = svgElement('svg', { class: 'interval', viewBox: '0 0 140 16' });
  svg.append(
    svgElement('line', { class: 'floor', x1: x(0.68), x2: x(0.68), y1: 0, y2: 16 }),
    svgElement('line', { class: 'range', x1: x(row.low), x2: x(row.high), y1: 8, y2: 8 }),
    svgElement('circle', { cx: x(row.accuracy), cy: 8, r: 3.5 }),
  );
  return svg;
}

function fill(table, rows) {
  const numeric = [...byId(table).tHead.rows[0].cells].map((cell) => cell.className);
  byId(table).tBodies[0].replaceChildren(
    ...rows.map((cells) => element('tr', {}, ...cells.map((cell, i) => element('td', { class: numeric[i] }, cell)))),
  );
}

function element(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return node;
}

function svgElement(name, attributes) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

const arrow = (direction) => element('span', { class: direction }, { up: '▲ up', down: '▼ down', abstain: 'silent' }[direction]);
const byName = (a, b) =>
  `${a.symbol ?? a.instrument}${a.venue}`.localeCompare(`${b.symbol ?? b.instrument}${b.venue}`) ||
  horizonMs(a.horizon) - horizonMs(b.horizon);
const horizonMs = (text = '0s') => parseInt(text, 10) * { s: 1000, m: 60000 }[text.at(-1)];
const number = (value, digits) =>
  value === null || value === undefined || Number.isNaN(value)
    ? '–'
    : value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const percent = (value) => (value === null || value === undefined ? '–' : `${(value * 100).toFixed(1)} %`);
const clock = (t) => new Date(t).toLocaleTimeString('en-GB');
const duration = (s) => (s < 90 ? `${Math.round(s)} s` : s < 5400 ? `${Math.round(s / 60)} min` : `${(s / 3600).toFixed(1)} h`);
