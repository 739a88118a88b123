/** Line plots and bars as SVG text: no script, no font, nothing from elsewhere. */

export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly dashed?: boolean;
}

export interface PlotOptions {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
}

export interface Axis {
  readonly label: string;
  /** Default: what the series span. */
  readonly from?: number;
  readonly to?: number;
  readonly format: (value: number) => string;
}

const WIDTH = 420;
const HEIGHT = 260;
const LEFT = 56;
const BOTTOM = 40;
const TOP = 36;
const RIGHT = 24;
const TICKS = 5;

export function linePlot({ title, x, y, series }: PlotOptions): string {
  const all = series.flatMap(({ points }) => points);
  if (all.length === 0) return empty(title);
  const [x0, x1] = spanOf(
    x,
    all.map(([value]) => value),
  );
  const [y0, y1] = spanOf(
    y,
    all.map(([, value]) => value),
  );
  const atX = (value: number): number => LEFT + ((value - x0) / (x1 - x0)) * (WIDTH - LEFT - RIGHT);
  const atY = (value: number): number => HEIGHT - BOTTOM - ((value - y0) / (y1 - y0)) * (HEIGHT - BOTTOM - TOP);
  const lines = series.map(({ points, colour, dashed }) => {
    const path = points.map(([px, py]) => `${atX(px).toFixed(1)},${atY(py).toFixed(1)}`).join(' ');
    const dash = dashed === true ? ' stroke-dasharray="4 3"' : '';
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="1.6"${dash}/>`;
  });
  const grid = ticks(y0, y1).map((value) => {
    const at = atY(value).toFixed(1);
    return `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}" class="grid"/><text x="${LEFT - 6}" y="${at}" class="left">${escape(y.format(value))}</text>`;
  });
  const feet = ticks(x0, x1).map(
    (value) => `<text x="${atX(value).toFixed(1)}" y="${HEIGHT - BOTTOM + 14}" class="middle">${escape(x.format(value))}</text>`,
  );
  const legend = series.map(({ name, colour }, i) => {
    const at = LEFT + i * 96;
    return `<rect x="${at}" y="20" width="8" height="8" fill="${colour}"/><text x="${at + 12}" y="24" class="start">${escape(name)}</text>`;
  });
  return frame(title, [
    ...grid,
    ...feet,
    ...lines,
    ...(series.length > 1 ? legend : []),
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" class="middle">${escape(x.label)}</text>`,
    `<text x="12" y="${(HEIGHT - BOTTOM + TOP) / 2}" class="middle" transform="rotate(-90 12 ${(HEIGHT - BOTTOM + TOP) / 2})">${escape(y.label)}</text>`,
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
    const width = (Math.max(0, value) / most) * (WIDTH - 250);
    return (
      `<text x="180" y="${(at + room / 2).toFixed(1)}" class="left">${escape(name)}</text>` +
      `<rect x="186" y="${(at + 1).toFixed(1)}" width="${width.toFixed(1)}" height="${(room - 3).toFixed(1)}" fill="#2a6f97"/>` +
      `<text x="${(190 + width).toFixed(1)}" y="${(at + room / 2).toFixed(1)}" class="start">${escape(format(value))}</text>`
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

function spanOf({ from, to }: Axis, values: readonly number[]): [number, number] {
  const low = from ?? values.reduce((least, value) => Math.min(least, value), Infinity);
  const high = to ?? values.reduce((most, value) => Math.max(most, value), -Infinity);
  return high > low ? [low, high] : [low - 0.5, low + 0.5];
}

function ticks(from: number, to: number): number[] {
  return Array.from({ length: TICKS }, (_, i) => from + ((to - from) * i) / (TICKS - 1));
}
