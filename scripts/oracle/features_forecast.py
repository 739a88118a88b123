#!/usr/bin/env python3
"""Writes libs/features/golden/forecast.json: own_forecast by whole-series numpy and numpy.linalg.solve, nothing of the fold's sums.

Run once, by hand: pip install numpy pandas; python3 scripts/oracle/features_forecast.py; npm run format
The candles are drawn by integer arithmetic, which forecast.oracle.test.ts repeats exactly. The cases: all is well (less than three blocks of
four hours at first); a leg that ends, then the own venue is halted while its candles go on; an own price that opens where it closes until late,
then no trades there for five hours; prices that never move.
"""
import json
import math
import pathlib

import numpy as np
import pandas as pd

from features_price_time import draws

# 00:37, so that the first block is cut.
START = 1709944620000
# By case.
MINUTES = {'well': 3600, 'ends': 1500, 'silent': 1700, 'flat': 1000}
BLOCK = 240
BLOCKS = 12
LEAST_BLOCKS = 3
LEGS = ['coinbase_usd', 'kraken_usd', 'kraken_eur', 'binanceus_usdt']
# In the order of the columns; legs that nobody lists say nothing.
ALL_LEGS = ['coinbase_usd', 'coinbase_usdt', 'coinbase_eur', 'kraken_usd', 'kraken_usdt', 'kraken_usdc', 'kraken_eur', 'binanceus_usd',
            'binanceus_usdt', 'binanceus_usdc', 'cryptocom_usd', 'cryptocom_usdt']
OWN = 'kraken_usd'
SAMPLES = [0, 202, 203, 600, 921, 922, 923, 949, 999, 1000, 1001, 1010, 1029, 1031, 1161, 1162, 1163, 1199, 1200, 1229, 1231, 1249, 1250, 1251,
           1299, 1300, 1302, 1401, 1402, 1403, 1499, 1500, 1501, 1503, 1642, 1643, 2602, 2603, 3081, 3082, 3083, 3322, 3323, 3500, 3562, 3563, 3599]


def market(case):
    draw = draws()
    price, steps, rows = 2_500_000, [0, 0], {name: [] for name in LEGS}
    rates = {'eur': [], 'usdt': []}
    for minute in range(MINUTES[case]):
        steps = [next(draw) % 2001 - 1000, steps[0]]
        rates['eur'].append((10_800 + next(draw) % 21 - 10) / 10_000)
        rates['usdt'].append((10_000 + next(draw) % 21 - 10) / 10_000)
        before, price = price, price + steps[0]
        for index, name in enumerate(LEGS):
            # The own venue is a minute behind the others.
            lag = 1 if name == OWN else 0
            middle, last = (price - steps[0], before - steps[1]) if lag else (price, before)
            close, opened = middle + next(draw) % 801 - 400, last + next(draw) % 801 - 400
            volume, skip = 1 + next(draw) % 5000, next(draw) % 10
            if case == 'flat':
                close = opened = 2_500_000
            if case == 'silent' and name == OWN and minute < 950:
                opened = close
            is_out = (case == 'ends' and name == 'coinbase_usd' and minute >= 1000) or (
                case == 'silent' and name == OWN and 1200 <= minute < 1500)
            if (minute > 0 and skip < index) or is_out:
                continue
            rows[name].append((minute, opened / 100, close / 100, volume / 1000))
    return rows, rates


def deviation(values, width, least):
    """Window by window; what is only rounding is 0."""
    out = np.full(len(values), np.nan)
    for i in range(len(values)):
        window = values[max(0, i - width + 1):i + 1]
        window = window[~np.isnan(window)]
        if len(window) >= least:
            variance = np.var(window, ddof=1)
            out[i] = math.sqrt(variance) if variance > 1e-13 * np.mean(window**2) else 0.0
    return out


class Leg:
    def __init__(self, name, rows, rate, halted):
        minutes = len(rate)
        frame = pd.DataFrame(rows, columns=['minute', 'open', 'close', 'volume']).set_index('minute').reindex(range(minutes))
        self.traded = frame.close.notna().values
        self.open, self.close = frame.open.values, frame.close.ffill().values
        price = np.log(self.close)
        seen = np.maximum.accumulate(np.where(self.traded, np.arange(minutes), -1))
        self.is_recent = (np.arange(minutes) - seen <= 30) & ~halted
        move = np.concatenate([[np.nan], np.diff(price)])
        self.scale = deviation(move, 120, 30) + 1e-6
        self.ret = np.where(self.is_recent, move / self.scale, np.nan)
        self.dollars = price + rate
        self.is_dollar = not name.endswith('eur')


def spread_deviation(spread, width):
    """Over the minutes that have a spread, however long ago."""
    there = ~np.isnan(spread)
    known, out = pd.Series(spread[there]), np.full(len(spread), np.nan)
    out[there] = known - known.rolling(width, min_periods=5).apply(np.mean, raw=True)
    return out


def forecast(case):
    minutes = MINUTES[case]
    rows, rates = market(case)
    rate = {'eur': np.log(rates['eur']), 'usdt': np.log(rates['usdt']), 'usd': np.zeros(minutes)}
    now = np.arange(minutes)
    halted = (now >= 1250) & (now < 1300) if case == 'ends' else np.zeros(minutes, bool)
    legs = {name: Leg(name, rows[name], rate[name.split('_')[1]], halted if name == OWN else np.zeros(minutes, bool)) for name in LEGS}
    own = legs[OWN]
    live = np.array([np.where(leg.is_recent & leg.is_dollar, leg.dollars, np.nan) for leg in legs.values()])
    consensus = np.nanmean(live, axis=0)
    coinbase = legs['coinbase_usd']
    lead = np.where(coinbase.is_recent & ~np.isnan(coinbase.scale), coinbase.scale, np.where(own.is_recent, own.scale, np.nan))
    spread = {name: np.where(leg.is_recent, leg.dollars - consensus, np.nan) for name, leg in legs.items()}
    nothing = np.full(minutes, np.nan)
    before = lambda values: np.concatenate([[np.nan], values[:-1]])
    returns = [own.ret] + [legs[name].ret if name in legs else nothing for name in ALL_LEGS]
    inputs = [np.ones(minutes), *returns, *map(before, returns), spread[OWN] / lead,
              *(spread_deviation(spread[OWN], width) / lead for width in (10, 60, 360)),
              *(spread_deviation(spread[name], 10) / lead if name in legs else nothing for name in ALL_LEGS)]
    z = np.clip(np.nan_to_num(np.array(inputs).T, nan=0.0), -5, 5)

    body = np.log(own.close / np.where(own.traded, own.open, own.close))
    y = np.sign(body) * np.sqrt(np.minimum(np.abs(body) / before(own.scale), 9))
    known = own.traded & (own.close != own.open) & ~halted & ~np.isnan(y)
    # Minute i is known at START + (i + 1) min; a block holds the minutes known after its begin and until its end.
    at = START // 60_000 + np.arange(1, minutes + 1)
    block = (at - 1) // BLOCK
    out, weights = np.full(minutes, np.nan), None
    for i in range(minutes):
        if at[i] % BLOCK == 0:
            first = max(block[0] + 1, block[i] - BLOCKS + 1)
            pairs = np.flatnonzero(known & (block >= first) & (block <= block[i]))
            weights = None
            if block[i] - first + 1 >= LEAST_BLOCKS and len(pairs) > 0:
                x, target = z[pairs - 1], y[pairs]
                square = x.T @ x
                square = square + 0.1 * np.diag(np.diag(square)) + 1e-9 * len(pairs) * np.eye(len(square))
                weights = np.linalg.solve(square, x.T @ target)
        if weights is not None and own.is_recent[i]:
            out[i] = z[i] @ weights
    print(case, 'correlation with the next body', np.round(pd.Series(out[:-1]).corr(pd.Series(y[1:])), 3), 'there', np.mean(~np.isnan(out)))
    return out


result = {}
for case in MINUTES:
    values = forecast(case)
    result[case] = {'columns': ['own_forecast@1'],
                    'rows': [{'t': START + (i + 1) * 60_000, 'values': [None if math.isnan(values[i]) else float(f'{values[i]:.10g}')]}
                             for i in SAMPLES if i < len(values)]}
path = pathlib.Path(__file__).parents[2] / 'libs/features/golden/forecast.json'
path.write_text(json.dumps(result) + '\n')
