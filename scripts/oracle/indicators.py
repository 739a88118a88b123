#!/usr/bin/env python3
"""Writes libs/indicators/golden/indicators.json: what TA-Lib, pandas and numpy say of generated bars, at sampled bars.

Run once, by hand: pip install TA-Lib pandas numpy; python3 scripts/oracle/indicators.py; npm run format
TA-Lib defines most. It squares prices to get a standard deviation and loses the digits that `large` is about, so bands come from
pandas over prices less a constant; its MFI is 0 where less than 1 unit of money flowed, so it is given prices times 2**40.
"""
import json
import pathlib

import numpy as np
import pandas as pd
import talib

from generated_bars import CASES, generated_bars


def outputs(o, h, l, c, v):
    out = {}
    out['sma_20'], out['sma_50'] = talib.SMA(c, 20), talib.SMA(c, 50)
    out['ema_12'], out['ema_26'] = talib.EMA(c, 12), talib.EMA(c, 26)
    out['macd'], out['macd_signal'], out['macd_hist'] = talib.MACD(c, 12, 26, 9)
    out['rsi_14'] = talib.RSI(c, 14)
    out['adx_14'], out['plus_di_14'], out['minus_di_14'] = (f(h, l, c, 14) for f in (talib.ADX, talib.PLUS_DI, talib.MINUS_DI))
    out['stoch_k_14_3'], out['stoch_d_3'] = talib.STOCH(h, l, c, 14, 3, 0, 3, 0)
    out['williams_r_14'] = talib.WILLR(h, l, c, 14)
    out['cci_20'] = talib.CCI(h, l, c, 20)
    scale = 2.0**40
    out['mfi_14'] = talib.MFI(h * scale, l * scale, c * scale, v, 14)
    out['roc_10'] = talib.ROC(c, 10)
    out['atr_14'] = talib.ATR(h, l, c, 14)
    out['aroon_osc_25'] = talib.AROONOSC(h, l, 25)
    out['keltner_pos_20'] = (c - talib.EMA(c, 20)) / (2 * talib.ATR(h, l, c, 10))
    highest, lowest = talib.MAX(h, 20), talib.MIN(l, 20)
    out['donchian_pos_20'] = (c - lowest) / (highest - lowest)
    close, volume, bars_per_year = pd.Series(c), pd.Series(v), 525600
    # Standard deviations window by window about the window's own first value: slow, and exact to the last digits.
    windows = np.lib.stride_tricks.sliding_window_view(c, 20)
    first = windows[:, :1]
    shifted = (windows - first).astype(np.longdouble)
    mean = np.concatenate([np.full(19, np.nan), (first[:, 0] + shifted.mean(1)).astype(float)])
    sd = np.concatenate([np.full(19, np.nan), shifted.std(1).astype(float)])
    out['sd_20'] = sd
    out['z_20'] = np.concatenate([np.full(19, np.nan), ((shifted[:, -1] - shifted.mean(1)) / shifted.std(1)).astype(float)])
    out['bb_pctb_20_2'] = 0.5 + out['z_20'] / 4
    out['bb_width_20_2'] = 4 * sd / mean
    obv = talib.OBV(c, v)
    with np.errstate(all='ignore'):
        out['obv_slope_20'] = talib.LINEARREG_SLOPE(obv, 20) / talib.SMA(v, 20)
    ret = np.log(close / close.shift())
    out['realized_vol_60'] = np.sqrt((ret**2).rolling(60).mean() * bars_per_year).values
    out['vol_of_vol_30_60'] = pd.Series(np.sqrt((ret**2).rolling(30).mean() * bars_per_year)).rolling(60).std(ddof=0).values
    out['parkinson_60'] = np.sqrt(pd.Series(np.log(h / l) ** 2).rolling(60).mean() / (4 * np.log(2)) * bars_per_year).values
    out['ewma_10'] = close.ewm(halflife=10, adjust=True).mean().values
    market = np.sin(np.arange(len(c))) * 0.01 + ret.fillna(0)
    pair = pd.DataFrame({'x': market, 'y': ret})
    out['cov_30'] = pair.x.rolling(30).cov(pair.y, ddof=0).values
    out['beta_30'] = (pair.x.rolling(30).cov(pair.y, ddof=0) / pair.x.where(pair.y.notna()).rolling(30).var(ddof=0)).values
    out['corr_30'] = pair.x.rolling(30).corr(pair.y).values
    out['volume_sum_20'] = volume.rolling(20).sum().values
    return out


def number(x):
    return None if np.isnan(x) or np.isinf(x) else float(x)


golden = {}
for name, options in CASES.items():
    arrays = [np.array(column) for column in zip(*generated_bars(**options))]
    n = len(arrays[0])
    at = sorted({14, 20, 25, 27, 33, 40, 52, 75, 119, *range(130, n, 53)} & set(range(n)))
    values = {key: [number(series[i]) for i in at] for key, series in outputs(*arrays).items()}
    golden[name] = {'close': float(arrays[3][-1]), 'at': at, 'values': values}
path = pathlib.Path(__file__).parents[2] / 'libs/indicators/golden/indicators.json'
path.write_text(json.dumps(golden).replace('{"close"', '\n{"close"').replace('], "', '],\n"') + '\n')
print(path, path.stat().st_size)
