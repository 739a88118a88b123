/**
 * Net flows into US spot funds, from a file that the operator keeps: no free API has them. `--context-files etf-flows-btc=FILE`, one file
 * an asset: CSV with the columns `Date` (`02 Jan 2026` or `2026-01-02`) and `Total` (million US dollars, thousands separated or not,
 * negative with a sign or in brackets); other columns, and lines that do not begin with a date, are passed over.
 */
import { readFile } from 'node:fs/promises';
import { DAY_MS } from '#libs/calendar/dates.ts';
import { isNyseTradingDay } from '#libs/calendar/us.ts';
import { messageOf, TributaryError } from '#libs/errors/errors.ts';
import { availableWithin } from '../answer-fields.ts';
import { dailyObservations, type DailyRow, newestDays, nextNoon } from '../daily-values.ts';
import { type ContextSource, type Observation, type SourceContext } from '../source.ts';

const HOUR = 3_600_000;
const VALID_FOR = 6 * DAY_MS;

/** Days on which the exchange is closed are no trading days, whatever the file says of them. Throws `TRB_CONTEXT_FILE`. */
export function flowObservations(text: string, asset: string, path: string): Observation[] {
  const [header = [], ...lines] = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map(fieldsOf);
  const names = header.map((name) => name.trim().toLowerCase());
  const [date, total] = [names.indexOf('date'), names.indexOf('total')];
  if (date < 0 || total < 0) throw unreadable(path, 'it has no columns Date and Total');
  const rows = lines.flatMap((fields) => rowOf(fields[date] ?? '', fields[total] ?? '') ?? []);
  if (rows.length === 0) throw unreadable(path, 'no line of it begins with a date');
  const ordered = rows.filter(({ day }) => isNyseTradingDay(day)).sort((a, b) => a.day - b.day);
  return dailyObservations(`net_flow.${asset}`, ordered, nextNoon);
}

export const etfFlows: ContextSource = {
  id: 'etf-flows',
  title: 'Flows of US spot funds, from a file',
  hosts: {},
  isDefault: false,
  terms: { plan: 'a file of your own', redistribution: 'As its maker allows.' },
  series: [
    { name: 'net_flow.{asset}', unit: 'million USD', meaning: 'net flow into US spot funds in a day', validFor: VALID_FOR },
  ],
  polls: (context) =>
    filesOf(context).map(({ asset, path }) => ({
      name: `file ${asset}`,
      everyMs: HOUR,
      calls: 0,
      run: async () => newestDays(await read(asset, path), VALID_FOR, context.clock.now()),
    })),
  history: async function* (context, range) {
    for (const { asset, path } of filesOf(context)) yield availableWithin(await read(asset, path), range);
  },
};

function filesOf({ assets, files }: SourceContext): readonly { readonly asset: string; readonly path: string }[] {
  return assets.flatMap((asset) => {
    const path = files[`etf-flows-${asset.toLowerCase()}`];
    return path === undefined ? [] : [{ asset, path }];
  });
}

async function read(asset: string, path: string): Promise<Observation[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (thrown) {
    throw unreadable(path, messageOf(thrown));
  }
  return flowObservations(text, asset, path);
}

function unreadable(path: string, reason: string): TributaryError {
  return new TributaryError('TRB_CONTEXT_FILE', `${path} gives no flows: ${reason}.`, {
    canRetry: true,
    hint: 'Write Date,Total with a header line, for instance 02 Jan 2026,-12.5.',
  });
}

/** Commas within quotes are part of the field. */
function fieldsOf(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"([^"]*)"|([^,]*))/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

function rowOf(date: string, total: string): DailyRow | undefined {
  const isDate = /^(\d{1,2} [A-Z][a-z]{2} \d{4}|\d{4}-\d\d-\d\d)$/.test(date.trim());
  const day = isDate ? Date.parse(`${date.trim()} UTC`) / DAY_MS : NaN;
  const text = total.trim().replaceAll(',', '');
  const inBrackets = /^\((.*)\)$/.exec(text)?.[1];
  const digits = inBrackets ?? text;
  if (!Number.isInteger(day) || !/^-?\d+(\.\d+)?$/.test(digits)) return undefined;
  return { day, value: inBrackets === undefined ? Number(digits) : -Number(digits) };
}
