#!/usr/bin/env python3
"""Independent values for all legs, conversion rates, reference returns and the longest bars: pandas over whole series.

Usage: features_legs.py > libs/features/golden/legs.json
The candles and rates are drawn by integer arithmetic, which legs.oracle.test.ts repeats exactly. Needs pandas and numpy.
"""
import json

import numpy as np
import pandas as pd

from features_price_time import START, draws, leg

MINUTES = 1700
LEGS = ['coinbase_usd', 'coinbase_usdt', 'coinbase_eur', 'kraken_usd', 'kraken_usdt', 'kraken_usdc', 'kraken_eur', 'binanceus_usd',
        'binanceus_usdt', 'binanceus_usdc', 'cryptocom_usd', 'cryptocom_usdt', 'binance_usdt', 'binance_usdc', 'okx_usdt', 'okx_usdc',
        'bybit_usdt', 'bybit_usdc', 'bitstamp_usd', 'bitstamp_eur', 'gemini_usd']
# Legs of opt-in venues have these columns only.
FURTHER = LEGS[12:]
FURTHER_FEATURES = ('leg_ret', 'leg_mom_10', 'spread', 'spread_z_1h')
RATES = ['coinbase_usdt_usd', 'kraken_usdt_usd', 'kraken_usdc_usd', 'binanceus_usdc_usdt', 'kraken_eur_usd']
# Which rate makes dollars of a quote currency.
DOLLARS = {'usdt': 'coinbase_usdt_usd', 'usdc': 'kraken_usdc_usd', 'eur': 'kraken_eur_usd'}
# Converts, and has no columns of its own.
SILENT = ('kraken_eur_usd',)
# Of euro legs: version 2 is what is converted.
CONVERTED = ('leg_spread_dev', 'spread_z', 'spread_gap')
HOURS = 460


def market():
    source = draws()

    def draw(below):
        return next(source) % below

    eth, btc = 250_000, 6_000_000
    candles, rates, references, aggregate = {name: [] for name in LEGS}, {name: [] for name in RATES}, [], {}
    for minute in range(MINUTES):
        move = draw(401) - 200
        eth, btc = eth + move, btc + 15 * move + draw(4001) - 2000
        references.append((btc / 100, eth / 100))
        # Every five minutes, save for an hour; a value serves for 20 minutes.
        if minute % 5 == 0 and not 1300 <= minute < 1360:
            aggregate[minute] = (eth + minute * 37 % 41 - 20) / 100
        for name in RATES:
            value, skip = ((10_800 if name == 'kraken_eur_usd' else 10_000) + draw(41) - 20) / 10_000, draw(5)
            if skip != 0 or minute % 3 == 0:
                rates[name].append((minute, value))
        for index, name in enumerate(LEGS):
            middle = eth - 20_000 if name.endswith('eur') else eth
            close, opened = middle + draw(81) - 40, middle + draw(81) - 40
            high, low = max(opened, close) + draw(60), min(opened, close) - draw(60)
            volume, skip = 1 + draw(5000), draw(40)
            if skip >= index or minute == 0:
                candles[name].append((minute, opened / 100, high / 100, low / 100, close / 100, volume / 1000))
    return ({name: leg_frame(rows) for name, rows in candles.items()},
            {name: pd.Series(dict(rows)).reindex(range(MINUTES)) for name, rows in rates.items()},
            pd.DataFrame(references, columns=['btc', 'eth']),
            pd.Series(aggregate).reindex(range(MINUTES)).ffill(limit=20))


def leg_frame(rows):
    frame = pd.DataFrame(rows, columns=['minute', 'open', 'high', 'low', 'close', 'volume']).set_index('minute').reindex(range(MINUTES))
    frame['missing'] = frame.close.isna()
    frame['close'] = frame.close.ffill()
    for name in ('open', 'high', 'low'):
        frame[name] = frame[name].fillna(frame.close)
    frame['volume'] = frame.volume.fillna(0)
    frame['value'] = (frame.high + frame.low + frame.close) / 3 * frame.volume
    return frame


def rate_features(name, values, out):
    price = np.log(values.ffill())
    scale = price.diff().rolling(120, min_periods=30).std() + 1e-6
    out[f'rate_ret.{name}'] = price.diff() / scale
    for width in (3, 10, 30, 120, 360):
        out[f'rate_mom_{width}.{name}'] = price.diff(width) / scale / np.sqrt(width)
    out[f'rate_peg_bps.{name}'] = price * 1e4
    seen = pd.Series(values.index, values.index).where(values.notna()).ffill()
    out[f'rate_stale.{name}'] = (values.index - seen).clip(0, 30)


def spreads(own, dollars, scale, out):
    for name, other in dollars.items():
        if name == own:
            continue
        spread = dollars[own] - other
        out[f'spread.{name}'] = spread
        for label, width, least in (('5m', 5, 5), ('1h', 60, 30)):
            window = spread.rolling(width, min_periods=least)
            out[f'spread_z_{label}.{name}'] = (spread - window.mean()) / (window.std() + 1e-6)
        out[f'spread_gap_10.{name}'] = (spread - spread.rolling(10, min_periods=5).mean()) / scale


def features():
    frames, rates, references, aggregate = market()
    rate = {name: np.log(rates[DOLLARS[name.split('_')[1]]].ffill()) if name.split('_')[1] in DOLLARS else 0 for name in LEGS}
    dollars = {name: np.log(frames[name].close) + rate[name] for name in LEGS}
    consensus = sum(dollars[name] for name in LEGS if not name.endswith('eur')) / sum(not name.endswith('eur') for name in LEGS)
    own = np.log(frames['coinbase_usd'].close)
    scale = own.diff().rolling(120, min_periods=30).std() + 1e-6
    coinbase, kraken = {}, {}
    for name in LEGS:
        leg('leg', f'.{name}', frames[name], consensus, scale, coinbase, rate[name], not name.endswith('eur'))
    for name in RATES:
        if name in SILENT:
            continue
        rate_features(name, rates[name], coinbase)
    spreads('coinbase_usd', dollars, scale, coinbase)
    spreads('kraken_usd', {name: dollars[name] for name in ('kraken_usd', 'coinbase_usd')}, scale, kraken)
    spread = dollars['coinbase_usd'] - np.log(aggregate)
    coinbase['spread.cccagg'] = spread
    for label, width, least in (('5m', 5, 5), ('1h', 60, 30)):
        # Over the minutes that have a spread, however long ago.
        window = spread.dropna().rolling(width, min_periods=least)
        z = (spread.dropna() - window.mean()) / (window.std() + 1e-6)
        coinbase[f'spread_z_{label}.cccagg'] = z.reindex(spread.index)
    logs = np.log(references)
    for coin, label, width in (('btc', '1m', 1), ('btc', '5m', 5), ('btc', '1h', 60), ('eth', '1m', 1), ('eth', '1h', 60)):
        coinbase[f'{coin}_ret_{label}'] = logs[coin].diff(width)
    move, other = own.diff(), logs.btc.diff()
    beta = move.rolling(1440, min_periods=720).cov(other) / other.rolling(1440, min_periods=720).var()
    coinbase['beta_to_btc_1d'], coinbase['btc_residual_ret_1m'] = beta, move - beta * other
    coinbase['btc_residual_ret_1h'] = own.diff(60) - beta * logs.btc.diff(60)
    return pd.DataFrame(kept(coinbase)), pd.DataFrame(kept(kraken))


def kept(columns):
    return {name: values for name, values in columns.items()
            if name.split('.')[-1] not in FURTHER or name.split('.')[0] in FURTHER_FEATURES}


def versioned(name):
    return f'{name}@2' if name.endswith('_eur') and name.startswith(CONVERTED) else f'{name}@1'


def long_bars():
    """One candle an hour: what its volume is to the last 20 bars, the one under way included."""
    source = draws()
    volume = [(1 + next(source) % 5000) / 10 for _ in range(HOURS)]
    rows = {}
    for hour in range(HOURS):
        out = []
        for length in (4, 24):
            bars = [np.log(1 + sum(volume[start:min(start + length, hour + 1)])) for start in range(0, hour + 1, length)][-20:]
            out.append((bars[-1] - np.mean(bars)) / np.std(bars, ddof=1) if len(bars) == 20 else np.nan)
        rows[hour] = out
    return pd.DataFrame.from_dict(rows, orient='index', columns=['vol_z.4h', 'vol_z.1d'])


def section(frame, picks, length):
    """Row i is known at the end of the i-th stretch of so many minutes."""
    rows = [{'t': START + (i + 1) * length * 60_000, 'values': [None if pd.isna(v) else float(f'{v:.10g}') for v in frame.loc[i]]}
            for i in picks]
    return {'columns': [versioned(name) for name in frame.columns], 'rows': rows}


if __name__ == '__main__':
    coinbase, kraken = features()
    print(json.dumps({'coinbase': section(coinbase, [2, 20, 200, 500, 719, 720, 835, 1315, 1316, 1361, 1500, 1699], 1),
                      'kraken': section(kraken, [3, 200, 719, 1699], 1),
                      'bars': section(long_bars(), [75, 76, 100, 455, 456, 459], 60)}, separators=(',', ':')))
