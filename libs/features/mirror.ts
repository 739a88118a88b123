/**
 * The mirrored market: every price p of the asset is c / p, every buyer is a seller, bids are asks; volumes, times and everything outside stay as they
 * are. Nothing says that a market falls by other rules than it rises over minutes, so what is learnt of one holds for the other
 * (docs/decisions/071). The mirror check holds this table against the fold of a market and of its mirror image.
 */
import { COLUMNS } from './catalogue.ts';

/** Features that change sign, by name without version and variant. */
const SIGNED = [
  ...['leg_ret', 'leg_mom_3', 'leg_mom_10', 'leg_mom_30', 'leg_mom_120', 'leg_mom_360', 'leg_clv', 'leg_signed_vol'],
  ...['leg_spread', 'leg_spread_dev_10', 'leg_spread_dev_60', 'leg_spread_dev_360'],
  ...['own_ret', 'own_mom_3', 'own_mom_10', 'own_mom_30', 'own_mom_120', 'own_mom_360', 'own_clv', 'own_signed_vol'],
  ...['own_spread', 'own_spread_dev_10', 'own_spread_dev_60', 'own_spread_dev_360', 'own_forecast'],
  ...['rate_ret', 'rate_mom_3', 'rate_mom_10', 'rate_mom_30', 'rate_mom_120', 'rate_mom_360', 'rate_peg_bps'],
  ...['ret_1s', 'ret_5s', 'ret_10s', 'ret_30s', 'ret_1m', 'ret_5m', 'ret_15m', 'ret_1h', 'ret_4h', 'ret_1d', 'clv'],
  ...['vwap_dev_1m', 'vwap_dev_15m', 'vwap_dev_1h', 'vwap_dev_1d', 'vwap_session_dev', 'xvenue_vwap_dev'],
  ...[
    'spread',
    'spread_z_5m',
    'spread_z_1h',
    'spread_gap_10',
    'leader_gap_1m',
    'leader_gap_5m',
    'leader_gap_1s',
    'leader_gap_5s',
  ],
  ...['microprice_dev_bps', 'queue_imb_1', 'depth_imb_5', 'depth_imb_20', 'ofi_1s', 'ofi_10s', 'ofi_1m'],
  ...['trade_imb_1s', 'trade_imb_10s', 'trade_imb_1m', 'trade_imb_5m', 'large_trade_flow_15m'],
  ...['sma_dist_20', 'sma_dist_50', 'sma_dist_200', 'ema_dist_12', 'ema_dist_26', 'macd', 'macd_signal', 'macd_hist'],
  ...['aroon_osc_25', 'cci_20', 'roc_10', 'obv_slope_20', 'keltner_pos_20', 'trix_15', 'cmf_20', 'volume_profile_poc_dist_1d'],
  ...['btc_ret_1m', 'btc_ret_5m', 'btc_ret_1h', 'eth_ret_1m', 'eth_ret_1h', 'btc_ret_1s', 'btc_ret_10s'],
  ...['btc_residual_ret_1m', 'btc_residual_ret_1h', 'coinbase_premium_bps', 'coinbase_premium_1d'],
  ...['corr_spx_30d', 'corr_gold_30d', 'corr_dxy_30d', 'corr_us10y_30d'],
  // Who bets on a rise, and what it costs.
  ...[
    'funding_kraken',
    'funding_binance',
    'funding_bybit',
    'funding_okx',
    'funding_deribit',
    'funding_hyperliquid',
    'funding_mean',
  ],
  ...['futures_basis', 'futures_basis_chg_1d', 'put_call_volume', 'put_call_oi', 'skew_25d_7d', 'etf_flow_1d', 'etf_flow_5d'],
];

/** Features that are reflected about another value than 0. */
const ABOUT: Readonly<Record<string, number>> = {
  ...{ rsi_14: 50, stoch_k_14_3: 50, stoch_d_3: 50, mfi_14: 50, ultosc_7_14_28: 50, williams_r_14: -50 },
  ...{ bb_pctb_20_2: 0.5, donchian_pos_20: 0.5, volume_profile_value_area_pos_1d: 0.5 },
};

/** Features that take each other's place. */
const PAIRS = [
  ['leg_upper_wick', 'leg_lower_wick'],
  ['own_upper_wick', 'own_lower_wick'],
  ['upper_wick', 'lower_wick'],
  ['plus_di_14', 'minus_di_14'],
] as const;

/** What a column is in the mirrored market. */
export interface Mirrored {
  /** The column whose value it takes. */
  readonly column: string;
  /** That value v becomes 2 about - v; undefined = it is kept. */
  readonly about: number | undefined;
}

const PARTNERS = new Map<string, string>(PAIRS.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]));
const SIGNED_NAMES = new Set(SIGNED);
const MIRRORED: ReadonlyMap<string, Mirrored> = new Map(
  COLUMNS.map(({ name, feature }) => {
    const partner = PARTNERS.get(feature.name);
    const column = partner === undefined ? name : name.replace(feature.name, partner);
    return [name, { column, about: SIGNED_NAMES.has(feature.name) ? 0 : ABOUT[feature.name] }];
  }),
);

/** `column`: `name[.variant]@version`. One that the catalogue lacks keeps its value. */
export function mirrorOf(column: string): Mirrored {
  return MIRRORED.get(column) ?? { column, about: undefined };
}
