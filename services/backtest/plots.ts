/** Line plots and bars as SVG text: no script, no font, nothing from elsewhere. */

export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly Point[];
  /** Default solid. `marks`: no line, a dot for each point. */
  readonly style?: 'dashed' | 'marks';
}

export interface Point {
  readonly x: number;
  readonly y: number;
  /** Of an interval around y, drawn as a bar. Default: none. */
  readonly range?: readonly [low: number, high: number] | null;
  /** Of a dot. Default 2.5. */
  readonly radius?: number;
}

export interface PlotOptions {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
}

export interface Axis {
  readonly label: string;
  /** Default: what the series span, out to the next tick. */
  readonly from?: number;
  readonly to?: number;
  /** Ticks stand at 1, 2 or 5 times a power of ten of it. Default 1. */
  readonly unit?: number;
  readonly format: (value: number) => string;
}

const WIDTH = 420;
const HEIGHT = 260;
const LEFT = 62;
const BOTTOM = 40;
const TOP = 36;
const RIGHT = 24;
const MOST_STEPS = 6;

export function linePlot({ title, x, y, series }: PlotOptions): string {
  const all = series.flatMap(({ points }) => points);
  if (all.length === 0) return empty(title);
  const across = scaleOf(
    x,
    all.map((point) => point.x),
  );
  const up = scaleOf(
    y,
    all.flatMap((point) => [point.y, ...(point.range ?? [])]),
  );
  const atX = (value: number): string =>
    (LEFT + ((value - across.from) / (across.to - across.from)) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const atY = (value: number): string =>
    (HEIGHT - BOTTOM - ((value - up.from) / (up.to - up.from)) * (HEIGHT - BOTTOM - TOP)).toFixed(1);
  const lines = series.map(({ points, colour, style }) => {
    const bars = points.map(({ x: at, range }) =>
      range === undefined || range === null
        ? ''
        : `<line x1="${atX(at)}" x2="${atX(at)}" y1="${atY(range[0])}" y2="${atY(range[1])}" stroke="${colour}"/>`,
    );
    if (style === 'marks')
      return [
        ...bars,
        ...points.map(
          (point) =>
            `<circle cx="${atX(point.x)}" cy="${atY(point.y)}" r="${(point.radius ?? 2.5).toFixed(1)}" fill="${colour}"/>`,
        ),
      ].join('');
    const path = points.map((point) => `${atX(point.x)},${atY(point.y)}`).join(' ');
    const dash = style === 'dashed' ? ' stroke-dasharray="4 3"' : '';
    return `${bars.join('')}<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="1.6"${dash}/>`;
  });
  const grid = up.ticks.map((value) => {
    const at = atY(value);
    return `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}" class="grid"/><text x="${LEFT - 6}" y="${at}" class="left">${escape(y.format(value))}</text>`;
  });
  const feet = across.ticks.map(
    (value) => `<text x="${atX(value)}" y="${HEIGHT - BOTTOM + 14}" class="middle">${escape(x.format(value))}</text>`,
  );
  const legend = series.map(({ name, colour }, i) => {
    const at = LEFT + i * 110;
    return `<rect x="${at}" y="20" width="8" height="8" fill="${colour}"/><text x="${at + 12}" y="24" class="start">${escape(name)}</text>`;
  });
  return frame(title, [
    ...grid,
    ...feet,
    ...lines,
    ...(series.length > 1 ? legend : []),
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" class="middle">${escape(x.label)}</text>`,
    `<text x="10" y="${(HEIGHT - BOTTOM + TOP) / 2}" class="middle" transform="rotate(-90 10 ${(HEIGHT - BOTTOM + TOP) / 2})">${escape(y.label)}</text>`,
  ]);
}

/** Longest first, as given. */
export function barPlot(
  title: string,
  bars: readonly { readonly name: string; readonly value: number }[],
  format: (value: number) => string,
): string {
  const most = bars.reduce((largest, { value }) => Math.max(largest, value), 0);
  if (bars.length === 0 || most <= 0) return empty(title);
  const room = (HEIGHT - TOP - 8) / bars.length;
  const rows = bars.map(({ name, value }, i) => {
    const at = TOP + i * room;
    const width = (Math.max(0, value) / most) * (WIDTH - 275);
    return (
      `<text x="204" y="${(at + room / 2).toFixed(1)}" class="left">${escape(name)}</text>` +
      `<rect x="210" y="${(at + 1).toFixed(1)}" width="${width.toFixed(1)}" height="${(room - 3).toFixed(1)}" fill="#2a6f97"/>` +
      `<text x="${(214 + width).toFixed(1)}" y="${(at + room / 2).toFixed(1)}" class="start">${escape(format(value))}</text>`
    );
  });
  return frame(title, rows);
}

export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`);
}

function frame(title: string, parts: readonly string[]): string {
  const heading = `<text x="${WIDTH / 2}" y="10" class="middle title">${escape(title)}</text>`;
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escape(title)}">${heading}${parts.join('')}</svg>`;
}

function empty(title: string): string {
  return frame(title, [`<text x="${WIDTH / 2}" y="${HEIGHT / 2}" class="middle">nothing to show</text>`]);
}

interface Scale {
  readonly from: number;
  readonly to: number;
  readonly ticks: readonly number[];
}

function scaleOf({ from, to, unit = 1 }: Axis, values: readonly number[]): Scale {
  const least = from ?? values.reduce((low, value) => Math.min(low, value), Infinity);
  const most = to ?? values.reduce((high, value) => Math.max(high, value), -Infinity);
  const [low, high] = most > least ? [least, most] : [least - unit / 2, least + unit / 2];
  const step = stepOf((high - low) / unit / MOST_STEPS) * unit;
  const first = from === undefined ? Math.floor(low / step) : Math.ceil(low / step);
  const last = to === undefined ? Math.ceil(high / step) : Math.floor(high / step);
  return {
    from: from ?? first * step,
    to: to ?? last * step,
    ticks: Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step),
  };
}

/** 1, 2 or 5 times a power of ten, at least `least`. */
function stepOf(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return (STEPS.find((step) => step * power >= least * (1 - 1e-9)) ?? 10) * power;
}

const STEPS = [1, 2, 5];
