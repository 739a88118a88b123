/** Answers of the CFTC's making, with numbers of ours. */
import { json } from '../../testing/recorded.ts';
import { type SourceSample } from '../../testing/sample.ts';

/** A Friday evening. */
const NOW = Date.UTC(2026, 10, 20, 22);

function report(code: string, date: string, open: number, long: number, short: number): Record<string, string> {
  return {
    cftc_contract_market_code: code,
    report_date_as_yyyy_mm_dd: `${date}T00:00:00.000`,
    open_interest_all: String(open),
    asset_mgr_positions_long: String(long),
    asset_mgr_positions_short: String(short),
    lev_money_positions_long: String(short),
    lev_money_positions_short: String(2 * long),
  };
}

export const cftcSample: SourceSample = {
  now: NOW,
  answers: {
    '/gpe5-46if.json': json([
      report('133741', '2026-11-17', 30_123, 9_876, 1_234),
      report('146021', '2026-11-17', 12_345, 2_345, 345),
      report('133741', '2026-11-10', 29_123, 9_456, 1_334),
      report('146021', '2026-11-10', 12_145, 2_145, 445),
    ]),
  },
};
