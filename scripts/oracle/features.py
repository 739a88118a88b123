#!/usr/bin/env python3
"""Writes libs/features/golden/technical.json: what TA-Lib, pandas and numpy say of the technical features at sampled minutes.

Run once, by hand: pip install TA-Lib pandas numpy; python3 scripts/oracle/features.py [COINBASE_CANDLES]; npm run format
Two series: generated bars (their minutes without a trade left out of the candles), and the first 12 days of the recorded Coinbase
candles, whose path is the argument; without it that part of the file is kept as it is. Minutes become bars as the catalogue says: aligned to
UTC, a minute without a trade flat at the close before it. Indicators are TA-Lib's over closed bars, so they are sampled where hours end.
"""
import json
import pathlib
import sys

import numpy as np
import pandas as pd
import talib

from generated_bars import generated_bars

START = pd.Timestamp('2024-01-01T00:00:00Z')
GENERATED = dict(n=14400, seed=21, quiet=0.15, width=0.004)


def resampled(minutes, rule):
    traded = minutes.where(minutes.volume > 0)
    bars = traded.resample(rule).agg({'high': 'max', 'low': 'min'})
    close = minutes.close.resample(rule).last()
    for side in ('high', 'low'):
        bars[side] = bars[side].fillna(close)
    return bars.assign(close=close, volume=minutes.volume.resample(rule).sum())


def indicators(bars):
    h, l, c, v = (bars[name].values.astype(float) for name in ('high', 'low', 'close', 'volume'))
    out = {f'sma_dist_{n}': np.log(c / talib.SMA(c, n)) for n in (20, 50, 200)}
    out |= {f'ema_dist_{n}': np.log(c / talib.EMA(c, n)) for n in (12, 26)}
    for name, series in zip(('macd', 'macd_signal', 'macd_hist'), talib.MACD(c, 12, 26, 9)):
        out[name] = series / c
    out['adx_14'], out['plus_di_14'], out['minus_di_14'] = (f(h, l, c, 14) for f in (talib.ADX, talib.PLUS_DI, talib.MINUS_DI))
    out['aroon_osc_25'] = talib.AROONOSC(h, l, 25)
    out['rsi_14'] = talib.RSI(c, 14)
    out['stoch_k_14_3'], out['stoch_d_3'] = talib.STOCH(h, l, c, 14, 3, 0, 3, 0)
    out['williams_r_14'] = talib.WILLR(h, l, c, 14)
    out['cci_20'] = talib.CCI(h, l, c, 20)
    out['mfi_14'] = talib.MFI(h, l, c, v, 14)
    out['roc_10'] = talib.ROC(c, 10)
    out['obv_slope_20'] = talib.LINEARREG_SLOPE(talib.OBV(c, v), 20) / talib.SMA(v, 20)
    out['ultosc_7_14_28'] = talib.ULTOSC(h, l, c, 7, 14, 28)
    out['trix_15'] = talib.TRIX(c, 15)
    location = np.where(h > l, (2 * c - h - l) / np.where(h > l, h - l, 1), 0)
    out['cmf_20'] = pd.Series(location * v).rolling(20).sum().values / pd.Series(v).rolling(20).sum().values
    first = pd.Series(c)
    mean, sd = first.rolling(20).mean().values, np.concatenate([np.full(19, np.nan), np.lib.stride_tricks.sliding_window_view(c, 20).std(1)])
    out['bb_pctb_20_2'] = 0.5 + (c - mean) / (4 * sd)
    out['bb_width_20_2'] = 4 * sd / mean
    out['atr_14'] = talib.ATR(h, l, c, 14) / c
    out['keltner_pos_20'] = (c - talib.EMA(c, 20)) / (2 * talib.ATR(h, l, c, 10))
    highest, lowest = talib.MAX(h, 20), talib.MIN(l, 20)
    out['donchian_pos_20'] = (c - lowest) / (highest - lowest)
    return pd.DataFrame(out, index=bars.index)


def by_minute(minutes):
    squares = np.log(minutes.close / minutes.close.shift()) ** 2
    per_year = 525600
    out = {f'realized_vol_{name}': np.sqrt(squares.rolling(n).mean() * per_year) for name, n in (('5m', 5), ('1h', 60), ('1d', 1440))}
    ranges = np.log(minutes.high / minutes.low) ** 2
    out['parkinson_vol_1h'] = np.sqrt(ranges.rolling(60).mean() / (4 * np.log(2)) * per_year)
    out['vol_of_vol_1d'] = out['realized_vol_1h'].rolling(1440).std(ddof=0)
    value = (minutes.high + minutes.low + minutes.close) / 3 * minutes.volume
    day = minutes.index.floor('D')
    out['vwap_session_dev'] = np.log(minutes.close / (value.groupby(day).cumsum() / minutes.volume.groupby(day).cumsum()))
    return pd.DataFrame(out)


def profile(minutes):
    """Of one day of minutes: distance from the point of control, position in the value area. By a dictionary of bins."""
    volumes = {}
    for high, low, close, volume in minutes[['high', 'low', 'close', 'volume']].itertuples(index=False):
        if volume > 0:
            number = int(np.floor(np.log((high + low + close) / 3) * 1000))
            volumes[number] = volumes.get(number, 0) + volume
    total, price = sum(volumes.values()), np.log(minutes.close.iloc[-1]) * 1000
    # Over more than 2048 bins the profile is declared missing.
    if total == 0 or max(volumes) - min(volumes) >= 2048:
        return np.nan, np.nan
    most = max(volumes.values())
    control = min((number for number, volume in volumes.items() if volume > most - 1e-9 * total), key=lambda number: (abs(number + 0.5 - price), number))
    below = above = control
    inside = volumes[control]
    while inside < (0.7 - 1e-9) * total and (below > min(volumes) or above < max(volumes)):
        lower = volumes.get(below - 1, 0) if below > min(volumes) else -1
        upper = volumes.get(above + 1, 0) if above < max(volumes) else -1
        tied = abs(lower - upper) <= 1e-9 * total
        if lower >= 0 and (tied or lower > upper):
            below, inside = below - 1, inside + lower
        if upper >= 0 and (tied or upper > lower):
            above, inside = above + 1, inside + upper
    return (price - control - 0.5) / 1000, (price - below) / (above + 1 - below)


def golden(minutes, times):
    """Values by column name at decision times (the end of the minute or bar before)."""
    columns = {}
    for rule, timeframe in (('1min', '1m'), ('15min', '15m'), ('1h', '1h')):
        frame = indicators(resampled(minutes, rule))
        frame.index += pd.Timedelta(rule)
        columns |= {f'{name}.{timeframe}@1': frame[name] for name in frame}
    frame = by_minute(minutes)
    frame.index += pd.Timedelta('1min')
    columns |= {f'{name}@1': frame[name] for name in frame}
    values = {name: [float(series[t]) for t in times] for name, series in columns.items()}
    profiles = [profile(minutes[t - pd.Timedelta('1D'):t - pd.Timedelta('1min')]) for t in times]
    for name, series in zip(('poc_dist', 'value_area_pos'), zip(*profiles)):
        values[f'volume_profile_{name}_1d@1'] = [float(value) for value in series]
    assert not any(np.isnan(x) or np.isinf(x) for row in values.values() for x in row)
    return {'t': [int(t.timestamp() * 1000) for t in times], 'values': values}


def generated():
    bars = pd.DataFrame(generated_bars(**GENERATED), columns=['open', 'high', 'low', 'close', 'volume'])
    return bars.set_index(pd.date_range(START, periods=len(bars), freq='1min'))


def recorded(path):
    rows = pd.read_csv(path)
    rows = rows.set_index(pd.to_datetime(rows.ts)).sort_index()[:'2025-12-04']
    minutes = rows.reindex(pd.date_range(rows.index[0], rows.index[-1], freq='1min'))
    close = minutes.close.ffill()
    minutes = minutes[['high', 'low']].apply(lambda side: side.fillna(close)).assign(close=close, volume=minutes.volume.fillna(0))
    # The bars that were under way at the start are left out, as in the fold.
    return minutes[minutes.index[0].ceil('h'):]


def main():
    path = pathlib.Path(__file__).parents[2] / 'libs/features/golden/technical.json'
    path.parent.mkdir(exist_ok=True)
    result = json.loads(path.read_text()) if path.exists() else {}
    result['generated'] = golden(generated(), [START + pd.Timedelta(hours=n) for n in (201, 219, 240)])
    if len(sys.argv) > 1:
        minutes = recorded(sys.argv[1])
        result['coinbase'] = golden(minutes, [minutes.index[0].ceil('D') + pd.Timedelta(hours=n) for n in (202, 221, 243)])
    path.write_text(json.dumps(result) + '\n')
    print(path, path.stat().st_size, {name: len(part['values']) for name, part in result.items()})


if __name__ == '__main__':
    main()
