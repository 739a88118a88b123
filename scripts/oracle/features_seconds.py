#!/usr/bin/env python3
"""Independent values for what lives by the second: mid returns up to a day, leadership within seconds, the BTC reference's returns.

Usage: features_seconds.py > libs/features/golden/seconds.json
First a quote of each leg a minute, then quotes by the second, some seconds without a clock. Drawn by integer arithmetic, which
seconds.oracle.test.ts repeats exactly. Needs numpy. A second without a clock has the prices of the next clock.
"""
import json
from datetime import datetime, timezone

import numpy as np

START = int(datetime(2024, 3, 9, tzinfo=timezone.utc).timestamp()) * 1000
MINUTES, SECONDS = 1470, 8400
LEGS = ['coinbase_usd', 'kraken_usd', 'kraken_usdt', 'binanceus_usd']
# The third leg ends here and is gone.
LAST_OF_THIRD = 5900
SAMPLES = [4, 5, 6, 60, 61, 241, 1440, 1441, 1471, 1472, 1530, 1559, 1560, 1561, 1575, 1590, 1609]


def draws():
    state = 77777
    while True:
        state = (1664525 * state + 1013904223) % 2**32
        yield state >> 16


def market():
    """Mids by second since START (NaN = no clock yet), and the BTC reference that is in effect."""
    source = draws()

    def draw(below):
        return next(source) % below

    end = MINUTES * 60 + SECONDS
    mids = {name: np.full(end + 1, np.nan) for name in LEGS}
    coin = np.full(end + 1, np.nan)
    price, btc, at = 250_000, 6_000_000, {}
    for minute in range(1, MINUTES + 1):
        price += draw(401) - 200
        for name in LEGS:
            middle = price + draw(41) - 20
            at[name] = (middle - 1, middle + 1 + draw(3))
            mids[name][minute * 60] = (at[name][0] / 100 + at[name][1] / 100) / 2
    moves, references, before = [0, 0, 0], [], MINUTES * 60
    for second in range(1, SECONDS + 1):
        moves.append(draw(41) - 20)
        price += moves[-1]
        for index, name in enumerate(LEGS):
            # Each leg knows of the price so many seconds late.
            middle = price - sum(moves[len(moves) - lag] for lag in range(1, [2, 0, 1, 3][index] + 1)) + draw(7) - 3
            skip = draw(4) == 0
            if not skip and not (index == 2 and second > LAST_OF_THIRD):
                at[name] = (middle - 1, middle + 1 + draw(3))
        btc += draw(2001) - 1000
        references.append(btc / 100)
        if second % 60 == 0 or draw(20) != 0:
            now = MINUTES * 60 + second
            for name in LEGS:
                mids[name][before + 1:now + 1] = (at[name][0] / 100 + at[name][1] / 100) / 2
            if second > 2:
                coin[before + 1:now + 1] = references[second - 3]
            before = now
    return mids, coin


def correlation(x, y):
    scale = np.sqrt(np.sum(x * x) * np.sum(y * y))
    return max(0, np.sum(x * y) / scale) if scale > 0 else 0


def features(minute, mids, coin):
    end, out = minute * 60, {}
    own = np.log(mids['coinbase_usd'])
    for name, width in (('5m', 5), ('15m', 15), ('1h', 60), ('4h', 240), ('1d', 1440)):
        out[f'ret_{name}.mid'] = own[end] - own[end - width * 60] if minute > width else np.nan
    live = end - MINUTES * 60
    hour = end // 3600 * 3600
    for seconds in (1, 5):
        out[f'leader_gap_{seconds}s'] = gap(mids, clocks(mids), hour, end, seconds) if hour - 1800 > MINUTES * 60 else np.nan
    for seconds in (1, 10):
        out[f'btc_ret_{seconds}s'] = np.log(coin[end] / coin[end - seconds]) if live > seconds + 3 else np.nan
    return out


def clocks(mids):
    """Seconds with a clock: there a leg has just drawn its prices; told again by the draws."""
    source = draws()
    skip = lambda count: [next(source) for _ in range(count)]
    skip(MINUTES * (1 + 2 * len(LEGS)))
    have = set()
    for second in range(1, SECONDS + 1):
        skip(1)
        for index in range(len(LEGS)):
            skip(1)
            if next(source) % 4 != 0 and not (index == 2 and second > LAST_OF_THIRD):
                skip(1)
        skip(1)
        if second % 60 == 0 or next(source) % 20 != 0:
            have.add(MINUTES * 60 + second)
    return have


def gap(mids, have, hour, end, seconds):
    logs = {name: np.log(series) for name, series in mids.items()}
    # Pairs of two clocks one second apart; the return of the earlier one needs a price one second before.
    pairs = [s for s in range(hour - 1800 + 1, hour + 1) if s in have and s - 1 in have]
    own = np.array([logs['coinbase_usd'][s] - logs['coinbase_usd'][s - 1] for s in pairs])
    weights = {}
    for name in LEGS[1:]:
        other = np.array([logs[name][s - 1] - logs[name][s - 2] for s in pairs])
        weights[name] = correlation(other, own)
    total = sum(weights.values())
    move = lambda name: logs[name][end] - logs[name][end - seconds]
    return sum(weight / total * (move(name) - move('coinbase_usd')) for name, weight in weights.items())


data = market()
rows = [(minute, features(minute, *data)) for minute in SAMPLES]
print(json.dumps({
    'columns': [f'{name}@1' for name in rows[0][1]],
    'rows': [{'t': START + minute * 60_000, 'values': [None if np.isnan(v) else float(f'{v:.10g}') for v in row.values()]}
             for minute, row in rows],
}, separators=(',', ':')))
