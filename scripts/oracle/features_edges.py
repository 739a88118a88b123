#!/usr/bin/env python3
"""Writes libs/features/golden/edges.json: what TA-Lib, pandas and numpy say of one instrument's bars where they are not well-behaved.

Run once, by hand: pip install TA-Lib pandas numpy; python3 scripts/oracle/features_edges.py; npm run format
The cases: a price that never moves, one trade and then none, minutes mostly without a trade, opens 3 % off, prices times and over 10.
Where a formula has nothing to divide by, the value is the declared one: 0, in the middle (0.5), or missing.
"""
import json
import pathlib
import warnings

import numpy as np
import pandas as pd

from features import START, by_minute, indicators, profile
from generated_bars import generated_bars

N = 1600
SAMPLES = [0, 1, 40, 250, 400, 900, 1438, 1439, 1440, 1441, 1500, 1550, 1599]
CASES = {
    'flat': [(100.0, 100.0, 100.0, 100.0, 1.0 + i % 7) for i in range(N)],
    'single': [(100.0, 101.0, 99.0, 100.5, 2.0)] + [(100.5, 100.5, 100.5, 100.5, 0.0)] * (N - 1),
    'quiet': generated_bars(N, seed=12, quiet=0.9),
    'gaps': generated_bars(N, seed=13, gap_every=37),
    'jumps': generated_bars(N, seed=14, jump_every=450),
}
# Once the window is full, what 0 / 0 stands for.
DECLARED = {'bb_pctb_20_2': (0.5, 19), 'donchian_pos_20': (0.5, 19), 'keltner_pos_20': (0, 19), 'obv_slope_20': (0, 19), 'cmf_20': (0, 19)}


def rolling(values, width, reduce):
    """Window by window, no running sums: slow, and exact whatever came before."""
    out = np.full(len(values), np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(values, width)
    out[width - 1:] = [reduce(window) for window in windows]
    return out


def price(frame):
    o, h, l, c, v = (frame[name].values for name in ('open', 'high', 'low', 'close', 'volume'))
    out = {
        'range': (h - l) / c, 'clv': np.where(h > l, (2 * c - h - l) / np.where(h > l, h - l, 1), 0),
        'upper_wick': np.log(h / np.maximum(o, c)), 'lower_wick': np.log(np.minimum(o, c) / l),
    }
    sd = lambda window: np.std(window - window.mean(), ddof=1)
    out['vol_z'] = rolling(np.log1p(v), 20, lambda w: (w[-1] - w.mean()) / sd(w) if sd(w) > 1e-12 else 0)
    logs = np.log(c)
    for name, width in (('1m', 1), ('5m', 5), ('15m', 15), ('1h', 60), ('4h', 240), ('1d', 1440)):
        out[f'ret_{name}'] = np.concatenate([np.full(width, np.nan), logs[width:] - logs[:-width]])
    value = (h + l + c) / 3 * v
    for name, width in (('1m', 1), ('15m', 15), ('1h', 60), ('1d', 1440)):
        total, volume = rolling(value, width, np.sum), rolling(v, width, np.sum)
        out[f'vwap_dev_{name}'] = np.log(c / np.where(volume > 0, total / np.where(volume > 0, volume, 1), np.nan))
    move = np.abs(np.concatenate([[np.nan], np.diff(logs)]))
    ratio = np.where(value > 0, move / np.where(value > 0, value, 1) * 1e6, np.nan)
    traded = lambda window: np.nan if np.isnan(window).all() else np.nanmean(window)
    out['amihud_1h'] = np.concatenate([[np.nan], rolling(ratio[1:], 60, traded)])
    return out


def case(bars):
    frame = pd.DataFrame(bars, columns=['open', 'high', 'low', 'close', 'volume'], dtype=float)
    frame.index = pd.date_range(START, periods=N, freq='1min')
    out = {name: series.values for name, series in indicators(frame).items()}
    for name, (value, first) in DECLARED.items():
        out[name] = np.where(~np.isfinite(out[name]) & (np.arange(N) >= first), value, out[name])
    out |= price(frame)
    out |= {name: series.values for name, series in by_minute(frame).items()}
    # Exact, window by window: pandas' running sums keep what a jump left behind.
    squares = np.concatenate([[np.nan], np.diff(np.log(frame.close.values))]) ** 2
    for name, width in (('5m', 5), ('1h', 60), ('1d', 1440)):
        out[f'realized_vol_{name}'] = np.concatenate([[np.nan], np.sqrt(rolling(squares[1:], width, np.mean) * 525600)])
    hours = out['realized_vol_1h'][60:]
    out['vol_of_vol_1d'] = np.concatenate([np.full(60, np.nan), rolling(hours, 1440, lambda w: np.std(w - w.mean()))])
    profiles = [profile(frame.iloc[i - 1439:i + 1]) if i >= 1439 else (np.nan, np.nan) for i in SAMPLES]
    values = {name: [number(series[i]) for i in SAMPLES] for name, series in out.items()}
    for name, series in zip(('poc_dist', 'value_area_pos'), zip(*profiles)):
        values[f'volume_profile_{name}_1d'] = [number(value) for value in series]
    return {'at': SAMPLES, 'close': float(frame.close.iloc[-1]), 'features': values}


def number(value):
    return None if not np.isfinite(value) else float(value)


warnings.simplefilter('ignore')
path = pathlib.Path(__file__).parents[2] / 'libs/features/golden/edges.json'
path.write_text(json.dumps({name: case(bars) for name, bars in CASES.items()}) + '\n')
