#!/usr/bin/env python3
"""Independent values for the order-flow block: each feature's formula over the whole list of events, nothing carried along.

Usage: features_flow.py > libs/features/golden/flow.json
       features_flow.py edges > libs/features/golden/flow-edges.json
`edges`: a market that is not well-behaved, by minute: nothing moves, everybody buys, nobody trades, the price jumps, nothing rests on one
side, books of one level, no books, one enormous trade.
The events are drawn by integer arithmetic, which flow.oracle.test.ts repeats exactly. Needs numpy.

What stands between two clocks belongs to the second of the later one. A second without a clock has no flow, and the quote and book
of the next clock. A trade older than the newest one before it is not part of the flow.
"""
import json
import sys
from datetime import datetime, timezone

import numpy as np

START = int(datetime(2024, 3, 9, tzinfo=timezone.utc).timestamp()) * 1000
MINUTES = 120
QUIET = 85
EDGES = sys.argv[1:] == ['edges']
SAMPLES = [61, 62, 64, 67, 68, 69, 73, 75, 76, 79, 81, 91, 92, 93, 94, 97, 98, 101, 102, 107, 108, 109, 110, 120] if EDGES else [1, 2, 5, 6, 15, 16, 60, 61, 62, 75, 76, 77, 85, 86, 87, 93, 101, 110, 120]


def draws():
    state = 54321
    while True:
        state = (1664525 * state + 1013904223) % 2**32
        yield state >> 16


def events():
    """(kind, value) in log order; times in milliseconds since START."""
    source = draws()

    def draw(below):
        return next(source) % below

    price = 250_000
    for second in range(MINUTES * 60):
        minute = second // 60 if EDGES else 0
        move = draw(41) - 20
        is_flat = 62 <= minute < 68
        price += 0 if is_flat else move
        if EDGES and second == 92 * 60:
            price += 75_000
        for _ in range(1 if second == 0 else draw(3)):
            bid, ask = price - 1 - draw(5), price + 1 + draw(5)
            bid_size, ask_size = 1 + draw(3000), 1 + draw(3000)
            if is_flat:
                bid, ask, bid_size, ask_size = price - 2, price + 2, 500, 500
            if 93 <= minute < 97:
                bid_size = 0
            yield 'quote', (bid / 100, bid_size / 1000, ask / 100, ask_size / 1000)
        for index in range(1 if second == 0 else draw(4)):
            is_buy, traded, size = draw(2) == 0, price + draw(11) - 5, 1 + draw(2000)
            size *= 20 if draw(60) == 0 else 1
            time = second * 1000 + index * 100 - (5000 if draw(40) == 0 else 0)
            if 68 <= minute < 75:
                is_buy = True
            if is_flat:
                traded = price
            if minute == 108 and second % 60 == 7:
                size *= 1_000_000
            if 75 <= minute < 92 or (not EDGES and second // 60 == QUIET - 1):
                continue
            yield 'trade', (time, traded / 100, size / 1000, is_buy)
        for _ in range([0, 1, 1, 1, 1, 2][draw(6)]):
            levels = 5 + draw(16)
            bids = [(1 + draw(5000)) / 1000 for _ in range(levels)]
            asks = [(1 + draw(5000)) / 1000 for _ in range(levels)]
            values = [(1 + draw(50_000)) / 10 for _ in range(4)]
            flow = [(draw(2001) - 1000) / 1000 for _ in range(5)]
            if 97 <= minute < 101:
                bids, asks = [0], asks[:1]
            if 101 <= minute < 107:
                continue
            yield 'book', (bids, asks, values, flow)
        if (second + 1) % 10 == 0 or draw(25) != 0:
            yield 'clock', (second + 1) * 1000


def by_second():
    """Index s: the second that ends s seconds after START."""
    count = MINUTES * 60 + 1
    table = {name: np.zeros(count) for name in ('buy', 'sell', 'value', 'flow')}
    table['mid'], table['depth'] = np.full(count, np.nan), np.full(count, np.nan)
    trades, quotes, books = [], {}, {}
    waiting, quote, book, before, newest = [], None, None, 0, -np.inf
    for kind, value in events():
        if kind != 'clock':
            waiting.append((kind, value))
            continue
        second = value // 1000
        for kind, value in waiting:
            if kind == 'quote':
                quote = value
            elif kind == 'book':
                book = value
                table['flow'][second] += np.mean(value[3])
            elif value[0] >= newest:
                newest, traded, size, is_buy = value
                table['buy' if is_buy else 'sell'][second] += size
                table['value'][second] += traded * size * (1 if is_buy else -1)
                trades.append((second, traded * size, is_buy))
        table['mid'][before + 1:second + 1] = (quote[0] + quote[2]) / 2
        if book is not None:
            table['depth'][before + 1:second + 1] = sum(book[0][:5]) + sum(book[1][:5])
        quotes[second], books[second] = quote, book
        waiting, before = [], second
    return table, trades, quotes, books


def imbalance(a, b):
    return (a - b) / (a + b) if a + b > 0 else 0


def large_share(trades, minute):
    """Minute m is the m-th whole one; the first may be cut and is not used."""
    if minute < 76:
        return np.nan
    values = {m: [] for m in range(1, minute + 1)}
    for second, value, is_buy in trades:
        m = (second + 59) // 60
        if m <= minute:
            values[m].append((value, is_buy))
    large = total = 0
    for m in range(minute - 14, minute + 1):
        hour = np.sort([value for k in range(m - 60, m) for value, _ in values[k]])
        # The percentile, rounded up to a quarter of an octave.
        threshold = 2 ** (np.ceil(4 * np.log2(hour[int(np.ceil(0.99 * len(hour))) - 1])) / 4)
        large += sum((value if is_buy else -value) for value, is_buy in values[m] if value > threshold)
        total += sum(value for value, _ in values[m])
    return large / total if total > 0 else np.nan


def features(minute, table, trades, quotes, books):
    end = minute * 60
    bid, bid_size, ask, ask_size = quotes[end]
    bids, asks, values, _ = books[end]
    mid = (bid + ask) / 2
    microprice = (bid * ask_size + ask * bid_size) / (bid_size + ask_size)
    out = {
        'quoted_spread_bps': (ask - bid) / mid * 1e4,
        'microprice_dev_bps': (microprice - mid) / mid * 1e4,
        'queue_imb_1': imbalance(bid_size, ask_size),
        'depth_imb_5': imbalance(sum(bids[:5]), sum(asks[:5])),
        'depth_imb_20': imbalance(sum(bids), sum(asks)),
        'depth_usd_10bps': np.log(1 + values[0] + values[1]),
        'depth_usd_50bps': np.log(1 + values[2] + values[3]),
    }
    for name, width in (('1s', 1), ('5s', 5), ('10s', 10), ('30s', 30), ('1m', 60)):
        out[f'ret_{name}.mid'] = np.log(mid / table['mid'][end - width]) if end > width else np.nan
    for name, width in (('1s', 1), ('10s', 10), ('1m', 60), ('5m', 300)):
        window = slice(end - width + 1, end + 1)
        out[f'trade_imb_{name}'] = imbalance(table['buy'][window].sum(), table['sell'][window].sum()) if end >= width else np.nan
    depth = table['depth'][end - 59:end + 1]
    for name, width in (('1s', 1), ('10s', 10), ('1m', 60)):
        out[f'ofi_{name}'] = table['flow'][end - width + 1:end + 1].sum() / depth.mean()
    counts = [sum(60 * (m - 1) < second <= 60 * m for second, _, _ in trades) for m in range(minute - 59, minute + 1)]
    out['trade_rate_z_1m'] = (counts[-1] - np.mean(counts)) / (np.std(counts, ddof=1) + 0.1) if minute >= 61 else np.nan
    out['large_trade_flow_15m'] = large_share(trades, minute)
    steps = range(end - 890, end + 1, 10)
    if steps[0] >= 20:
        moves = [np.log(table['mid'][s] / table['mid'][s - 10]) for s in steps]
        pressure = [table['value'][s - 9:s + 1].sum() / 1e6 for s in steps]
        spread = np.var(pressure, ddof=1)
        out['kyle_lambda_15m'] = np.cov(pressure, moves)[0, 1] / spread if spread > 0 else np.nan
    else:
        out['kyle_lambda_15m'] = np.nan
    return out


data = by_second()
rows = [(minute, features(minute, *data)) for minute in SAMPLES]
print(json.dumps({
    'columns': [f'{name}@1' for name in rows[0][1]],
    'rows': [{'t': START + minute * 60_000, 'values': [None if np.isnan(v) else float(f'{v:.10g}') for v in row.values()]}
             for minute, row in rows],
}, separators=(',', ':')))
