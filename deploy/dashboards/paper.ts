/** What following the signals would have earned, and what it would have cost. */
import { type DashboardSpec, of, rare, rate } from './panel.ts';

const ACCOUNT = '{{venue}} {{instrument}}';

export const paper: DashboardSpec = {
  uid: 'tributary-paper-trading',
  title: 'Paper trading',
  description:
    'Accounts that follow every signal on paper, one a venue and instrument: equity, risk, turnover and costs. Amounts in the quote currency.',
  panels: [
    {
      title: 'Equity',
      description:
        'Cash and position at the newest price, after all costs. The total counts capital of every account: what matters is its slope.',
      unit: 'short',
      queries: [
        { expr: of('tributary_paper_equity'), legend: ACCOUNT },
        { expr: `sum(${of('tributary_paper_equity')})`, legend: 'total' },
      ],
    },
    {
      title: 'Sharpe ratio',
      description:
        'Annual, of the hourly returns of the last 30 days, after costs; 0 in the first two hours. A few days of it say little.',
      unit: 'short',
      queries: [{ expr: of('tributary_paper_sharpe_ratio'), legend: ACCOUNT }],
    },
    {
      title: 'Drawdown',
      description:
        'Below the highest equity so far. At the limit everything is closed until the operator has switched trading off and on.',
      unit: 'percentunit',
      min: 0,
      queries: [{ expr: of('tributary_paper_drawdown_ratio'), legend: ACCOUNT }],
    },
    {
      title: 'Position',
      description:
        'Value of what is held, negative = short. Stakes of overlapping horizons add up to the largest position, then are refused.',
      unit: 'short',
      queries: [{ expr: of('tributary_paper_position'), legend: ACCOUNT }],
    },
    {
      title: 'Turnover',
      description: 'Bought and sold within an hour. Costs follow it.',
      unit: 'short',
      queries: [{ expr: `delta(${of('tributary_paper_turnover')}[1h])`, legend: ACCOUNT }],
    },
    {
      title: 'Costs by kind',
      description: 'Paid since the accounts began: taker fees, half the spread, slippage beyond the best level, funding.',
      unit: 'short',
      queries: [{ expr: `sum by (kind) (${of('tributary_paper_costs')})`, legend: '{{kind}}' }],
    },
    {
      title: 'Costs as a share of turnover',
      description: 'One way. Above what a signal earns on average, the better signal is none.',
      unit: 'percentunit',
      min: 0,
      queries: [
        {
          expr: `sum by (venue, instrument) (${of('tributary_paper_costs')}) / sum by (venue, instrument) (${of('tributary_paper_turnover')})`,
          legend: ACCOUNT,
        },
      ],
    },
    {
      title: 'Fills by reason',
      description: 'A second. signal opens, horizon closes; daily_loss, drawdown and off close early.',
      unit: 'ops',
      queries: [{ expr: `sum by (reason) (${rate('tributary_paper_fills_total')})`, legend: '{{reason}}' }],
    },
    {
      title: 'Signals not followed',
      description:
        'A second, by reason. expired: the market said nothing for seconds; late: the signal was seen after its moment.',
      unit: 'ops',
      queries: [{ expr: rare('tributary_paper_refused_total', 'reason'), legend: '{{reason}}' }],
    },
    {
      title: 'Accounts that are stopped',
      description: '1 = a limit or the kill switch keeps it from trading; see the runbook of PaperStopped.',
      unit: 'short',
      min: 0,
      max: 1,
      queries: [{ expr: of('tributary_paper_stopped'), legend: ACCOUNT }],
    },
  ],
};
