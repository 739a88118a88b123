#!/usr/bin/env python3
"""Independent values for category A from candles: pandas over whole series; nothing of the fold's code or method.

Usage: features_price_time.py > libs/features/golden/price-time.json
       features_price_time.py HISTORY > libs/features/golden/price-recorded.json
       features_price_time.py edges > libs/features/golden/leader-edges.json
The candles are drawn by integer arithmetic, which price-time.oracle.test.ts repeats exactly; or they are the first of a recorded history of
these venues, in which a row without volume is a minute without a trade. `edges`: leadership where one venue never moves and the other one
ends. Needs pandas and numpy.
"""
import json
import sys
from datetime import datetime, timezone

import numpy as np
import pandas as pd

EDGES = sys.argv[1:] == ['edges']
HISTORY = sys.argv[1] if len(sys.argv) > 1 and not EDGES else None
LAST_OF_BINANCEUS = 1600
START = int(datetime(*((2023, 3, 1) if HISTORY else (2024, 3, 9)), tzinfo=timezone.utc).timestamp()) * 1000
MINUTES = 1700
LISTINGS = ['coinbase', 'kraken', 'binanceus']
TIMEFRAMES = {'1m': 1, '5m': 5, '15m': 15, '1h': 60, '4h': 240, '1d': 1440}


def draws():
    state = 12345
    while True:
        state = (1664525 * state + 1013904223) % 2**32
        yield state >> 16


def recorded():
    history = pd.read_csv(HISTORY)
    history['minute'] = (pd.to_datetime(history.ts, utc=True) - pd.Timestamp(START, unit='ms', tz='utc')) // pd.Timedelta('1min')
    history = history[(history.symbol == 'BTC-USD') & (history.volume > 0) & (history.minute < MINUTES)]
    prices = ['open', 'high', 'low', 'close']
    return {venue: [(row.minute, row.open, row[prices].max(), row[prices].min(), row.close, row.volume)
                    for _, row in history[history.venue == venue].iterrows()] for venue in LISTINGS}


def drawn():
    draw = draws()
    price = 2_500_000
    rows = {venue: [] for venue in LISTINGS}
    for minute in range(MINUTES):
        price += next(draw) % 2001 - 1000
        for index, venue in enumerate(LISTINGS):
            close, opened = price + next(draw) % 801 - 400, price + next(draw) % 801 - 400
            high, low = max(opened, close) + next(draw) % 300, min(opened, close) - next(draw) % 300
            volume, skip = 1 + next(draw) % 5000, next(draw) % 10
            if EDGES and venue == 'kraken':
                close = opened = high = low = 2_500_000
            if (minute > 0 and skip < index) or (EDGES and venue == 'binanceus' and minute >= LAST_OF_BINANCEUS):
                continue
            rows[venue].append((minute, opened / 100, high / 100, low / 100, close / 100, volume / 1000))
    return rows


def candles():
    frames = {}
    for venue, data in (recorded() if HISTORY else drawn()).items():
        frame = pd.DataFrame(data, columns=['minute', 'open', 'high', 'low', 'close', 'volume']).set_index('minute')
        frame = frame.reindex(range(MINUTES))
        frame['missing'] = frame.close.isna()
        frame['close'] = frame.close.ffill()
        for name in ('open', 'high', 'low'):
            frame[name] = frame[name].fillna(frame.close)
        frame['volume'] = frame.volume.fillna(0)
        frame['value'] = (frame.high + frame.low + frame.close) / 3 * frame.volume
        frames[venue] = frame
    return frames


def stale(frame):
    return frame.missing.astype(int).groupby((~frame.missing).cumsum()).cumsum()


def location(frame):
    return ((2 * frame.close - frame.high - frame.low) / (frame.high - frame.low).replace(0, np.nan)).fillna(0)


def bars(frame, length):
    """For each minute the bar under way, with that minute as its last."""
    group = frame.groupby(frame.index // length)
    out = pd.DataFrame({'open': group.open.transform('first'), 'high': group.high.cummax(), 'low': group.low.cummin(), 'close': frame.close,
                        'volume': group.volume.cumsum()})
    return out


def leg(prefix, suffix, frame, consensus, lead_scale, out, rate=0, is_dollar=True):
    price = np.log(frame.close)
    ret = price.diff()
    scale = ret.rolling(120, min_periods=30).std() + 1e-6
    out[f'{prefix}_ret{suffix}'] = ret / scale
    for width in (3, 10, 30, 120, 360):
        out[f'{prefix}_mom_{width}{suffix}'] = price.diff(width) / scale / np.sqrt(width)
    out[f'{prefix}_clv{suffix}'] = location(frame)
    out[f'{prefix}_range{suffix}'] = np.log(frame.high / frame.low) / scale
    out[f'{prefix}_upper_wick{suffix}'] = np.log(frame.high / frame.close) / scale
    out[f'{prefix}_lower_wick{suffix}'] = np.log(frame.close / frame.low) / scale
    volume = np.log1p(frame.value / 25)
    z = (volume - volume.rolling(120, min_periods=30).mean()) / (volume.rolling(120, min_periods=30).std() + 1e-3)
    out[f'{prefix}_vol_z{suffix}'] = z
    out[f'{prefix}_signed_vol{suffix}'] = np.sign(frame.close - frame.open) * z
    out[f'{prefix}_stale{suffix}'] = stale(frame).clip(0, 30)
    spread = price + rate - consensus
    if is_dollar:
        out[f'{prefix}_spread{suffix}'] = spread / lead_scale
    for width in (10, 60, 360):
        out[f'{prefix}_spread_dev_{width}{suffix}'] = (spread - spread.rolling(width, min_periods=5).mean()) / lead_scale


def price_features():
    frames = candles()
    own = frames['coinbase']
    price = np.log(own.close)
    logs = {venue: np.log(frame.close) for venue, frame in frames.items()}
    consensus = sum(logs.values()) / len(logs)
    lead_scale = price.diff().rolling(120, min_periods=30).std() + 1e-6
    out = {'lead_scale': lead_scale * 1e4}
    for venue, frame in frames.items():
        leg('leg', f'.{venue}_usd', frame, consensus, lead_scale, out)
    leg('own', '', own, consensus, lead_scale, out)
    for name, length in TIMEFRAMES.items():
        out[f'ret_{name}.close'] = price.diff(length)
        bar = bars(own, length)
        out[f'range.{name}'] = (bar.high - bar.low) / bar.close
        out[f'clv.{name}'] = location(bar)
        top, bottom = bar[['open', 'close']].max(axis=1), bar[['open', 'close']].min(axis=1)
        out[f'upper_wick.{name}'] = np.log(bar.high / top)
        out[f'lower_wick.{name}'] = np.log(bottom / bar.low)
        if length <= 60:
            total = np.log1p(own.volume.groupby(own.index // length).sum())
            now = np.log1p(bar.volume)
            z = []
            for minute in own.index:
                last = minute // length
                window = np.append(total.loc[last - 19:last - 1].values, now[minute])
                z.append((now[minute] - window.mean()) / window.std(ddof=1) if len(window) == 20 else np.nan)
            out[f'vol_z.{name}'] = pd.Series(z)
    for name in ('1m', '15m', '1h', '1d'):
        width = TIMEFRAMES[name]
        out[f'vwap_dev_{name}'] = np.log(own.close / (own.value.rolling(width).sum() / own.volume.rolling(width).sum()))
    traded = own.value > 0
    ratio = (price.diff().abs() / own.value * 1e6).where(traded)
    out['amihud_1h'] = ratio.rolling(60, min_periods=1).mean()
    out['staleness'] = np.log1p(stale(own))
    weights = {venue: frame.volume.rolling(60, min_periods=1).sum() for venue, frame in frames.items()}
    out['xvenue_vwap_dev'] = price - sum(weights[v] * logs[v] for v in LISTINGS) / sum(weights.values())
    for venue in LISTINGS[1:]:
        spread = price - logs[venue]
        out[f'spread.{venue}_usd'] = spread
        for name, width, least in (('5m', 5, 5), ('1h', 60, 30)):
            window = spread.rolling(width, min_periods=least)
            out[f'spread_z_{name}.{venue}_usd'] = (spread - window.mean()) / (window.std() + 1e-6)
        out[f'spread_gap_10.{venue}_usd'] = (spread - spread.rolling(10, min_periods=5).mean()) / lead_scale
    out['leader_gap_1m'], out['leader_gap_5m'] = leader_gaps(frames)
    return pd.DataFrame(out)


def leader_gaps(frames):
    logs = {venue: np.log(frame.close) for venue, frame in frames.items()}
    # A leg that has not traded for longer says nothing.
    is_recent = {venue: stale(frame) <= 30 for venue, frame in frames.items()}
    returns = pd.DataFrame({venue: series.diff() for venue, series in logs.items()})
    own, others = returns.coinbase, [v for v in LISTINGS if v != 'coinbase']
    gaps = {1: [], 5: []}
    weights = None
    for minute in range(MINUTES):
        # The first hour is not used; then 24 whole hours end at each whole hour.
        if (minute + 1) % 60 == 0 and minute + 1 >= 25 * 60:
            window = range(minute + 1 - 24 * 60, minute + 1)
            y = own.iloc[window].values
            correlation = {}
            for venue in others:
                x = returns[venue].shift(1).iloc[window].values
                scale = np.sqrt(np.sum(x * x) * np.sum(y * y))
                correlation[venue] = max(0, np.sum(x * y) / scale) if scale > 0 else 0
            total = sum(correlation.values())
            weights = {v: c / total for v, c in correlation.items()} if total > 0 else None
        for width in gaps:
            move = {v: logs[v].iloc[minute] - logs[v].iloc[minute - width] if minute >= width else np.nan for v in LISTINGS}
            gaps[width].append(np.nan if weights is None else sum(
                w * (move[v] - move['coinbase']) for v, w in weights.items() if is_recent[v].iloc[minute]))
    return pd.Series(gaps[1]), pd.Series(gaps[5])


def main():
    frame = price_features()
    if EDGES:
        frame = frame[['leader_gap_1m', 'leader_gap_5m']]
    minutes = [1498, 1499, 1500, 1560, 1600, 1603, 1619, 1628, 1629, 1630, 1631, 1640, 1699] if EDGES else [200, 400, 719, 1000, 1199, 1439, 1500, 1559, 1600, 1679, 1699]
    price = [{'t': START + (m + 1) * 60_000, 'values': [None if pd.isna(v) else float(f'{v:.10g}') for v in frame.loc[m]]} for m in minutes]
    print(json.dumps({'price': {'columns': [f'{c}@1' for c in frame.columns], 'rows': price}}, separators=(',', ':')))


if __name__ == '__main__':
    main()
