#!/usr/bin/env python3
"""Writes libs/features/golden/leg-edges.json: what legs, rates and spreads are where markets are not well-behaved.

Run once, by hand: pip install numpy; python3 scripts/oracle/features_leg_edges.py; npm run format
Each formula is written out over whole windows of the bars that leg-edges.oracle.test.ts makes too. The cases: prices that never move, one
trade and then none, hardly any trades, an outage with a de-peg and a lost rate after it, prices times and over 10.
"""
import json
import math
import pathlib

import numpy as np

from generated_bars import generated_bars

START = 1704067200000
N = 500
SAMPLES = [0, 1, 5, 31, 32, 40, 130, 200, 229, 231, 245, 305, 319, 325, 342, 345, 352, 361, 370, 499]
LEGS = ['coinbase_usd', 'kraken_usd', 'kraken_usdt']
SPREADS = (10, 60, 360)


def bars_of(case, k):
    if case == 'flat':
        return [(100.0, 100.0, 100.0, 100.0, 1.0 + (i + k) % 7) for i in range(N)]
    if case == 'single':
        return [(100.0, 104.0, 99.0, 100.5 + k, 2.0)] + [(0.0, 0.0, 0.0, 0.0, 0.0)] * (N - 1)
    options = {'quiet': dict(quiet=0.9), 'broken': dict(gap_every=37), 'jumps': dict(jump_every=150)}[case]
    bars = generated_bars(N, seed=21 + k, **options)
    if bars[0][4] == 0:
        bars[0] = (*bars[0][:4], 1.0)
    # The first leg's venue is out for 45 minutes.
    return [(0.0, 0.0, 0.0, 0.0, 0.0) if case == 'broken' and k == 0 and 200 <= i < 245 else bar for i, bar in enumerate(bars)]


def rate_of(case, i):
    """Dollars for a USDT; None = none came."""
    if case == 'broken' and 340 <= i < 350:
        return None
    return (1 if case == 'flat' else 1 + (i * 37 % 41 - 20) / 100000) + (0.01 if case == 'broken' and 300 <= i < 320 else 0)


def sd(values, least):
    if len(values) < max(least, 2):
        return math.nan
    values = np.array(values)
    variance = np.sum((values - values.mean()) ** 2) / (len(values) - 1)
    return math.sqrt(variance) if variance > 1e-13 * np.mean(values**2) else 0.0


def mean(values, least):
    return math.nan if len(values) < least else float(np.mean(values))


class Trail:
    def __init__(self):
        self.prices = []

    def over(self, minutes):
        return self.prices[-1] - self.prices[-1 - minutes] if len(self.prices) > minutes else math.nan

    def scale(self):
        return sd(np.diff(self.prices[-121:]), 30) + 1e-6


class Leg:
    def __init__(self, bars):
        self.bars, self.trail, self.stale, self.close = bars, Trail(), 0, math.nan
        self.values, self.volumes, self.spreads, self.pairs = [], [], [], []

    def advance(self, i, rate, is_sound):
        self.open, self.high, self.low, close, volume = self.bars[i]
        self.stale = 0 if volume > 0 else self.stale + 1
        if volume > 0:
            self.close = close
        else:
            self.open = self.high = self.low = self.close
        self.trail.prices.append(math.log(self.close))
        self.values.append(math.log1p((self.high + self.low + self.close) / 3 * volume / 25))
        self.volumes.append(volume)
        self.dollars = math.log(self.close) + rate
        self.is_recent = self.stale <= 30
        self.is_live = self.is_recent and is_sound

    def movement(self, prefix, suffix, lead, out):
        scale = self.trail.scale()
        out[f'{prefix}_ret{suffix}'] = self.trail.over(1) / scale if self.is_recent else math.nan
        for width in (3, 10, 30, 120, 360):
            out[f'{prefix}_mom_{width}{suffix}'] = self.trail.over(width) / scale / math.sqrt(width) if self.is_recent else math.nan
        flat = self.high == self.low
        out[f'{prefix}_clv{suffix}'] = 0 if flat else (2 * self.close - self.high - self.low) / (self.high - self.low)
        out[f'{prefix}_range{suffix}'] = math.log(self.high / self.low) / scale
        out[f'{prefix}_upper_wick{suffix}'] = math.log(self.high / self.close) / scale
        out[f'{prefix}_lower_wick{suffix}'] = math.log(self.close / self.low) / scale
        z = (self.values[-1] - mean(self.values[-120:], 30)) / (sd(self.values[-120:], 30) + 1e-3)
        out[f'{prefix}_vol_z{suffix}'], out[f'{prefix}_signed_vol{suffix}'] = z, float(np.sign(self.close - self.open)) * z
        out[f'{prefix}_stale{suffix}'] = min(self.stale, 30)
        for width in SPREADS:
            is_there = self.is_live and lead is not None
            dev = (self.spreads[-1] - mean(self.spreads[-width:], 5)) / lead.trail.scale() if is_there else math.nan
            out[f'{prefix}_spread_dev_{width}{suffix}'] = dev
        out[f'{prefix}_spread{suffix}'] = self.spreads[-1] / lead.trail.scale() if self.is_live and lead is not None else math.nan


def rows_of(case):
    legs = [Leg(bars_of(case, k)) for k in range(len(LEGS))]
    rate, since, rates, rows = math.nan, math.nan, Trail(), []
    for i in range(N):
        value = rate_of(case, i)
        if value is not None:
            rate, since = math.log(value), i
        rates.prices.append(rate)
        is_fresh = i - since <= 3
        for name, leg in zip(LEGS, legs):
            is_usdt = name.endswith('usdt')
            leg.advance(i, rate if is_usdt else 0, not is_usdt or (is_fresh and abs(rate) <= 0.005))
        live = [leg for leg in legs if leg.is_live]
        consensus = np.mean([leg.dollars for leg in live]) if live else math.nan
        weights = [sum(leg.volumes[-60:]) for leg in live]
        fair = sum(w * leg.dollars for w, leg in zip(weights, live)) / sum(weights) if sum(weights) > 0 else consensus
        for leg in live:
            leg.spreads.append(leg.dollars - consensus)
        lead = next((leg for leg in legs[:2] if leg.is_live and not math.isnan(leg.trail.scale())), None)
        own = legs[0]
        for leg in legs[1:]:
            if own.is_live and leg.is_live:
                leg.pairs.append(own.dollars - leg.dollars)
        if i in SAMPLES:
            rows.append(row(legs, lead, fair, rates, is_fresh, i - since))
    return rows


def row(legs, lead, fair, rates, is_fresh, rate_age):
    own, out = legs[0], {}
    out['lead_scale'] = lead.trail.scale() * 1e4 if lead is not None else math.nan
    for name, leg in zip(LEGS, legs):
        leg.movement('leg', f'.{name}', lead, out)
    own.movement('own', '', lead, out)
    scale = rates.scale()
    suffix = '.coinbase_usdt_usd'
    out[f'rate_ret{suffix}'] = rates.over(1) / scale if is_fresh else math.nan
    for width in (3, 10, 30, 120, 360):
        out[f'rate_mom_{width}{suffix}'] = rates.over(width) / scale / math.sqrt(width) if is_fresh else math.nan
    out[f'rate_peg_bps{suffix}'] = rates.prices[-1] * 1e4 if is_fresh else math.nan
    out[f'rate_stale{suffix}'] = min(rate_age, 30)
    out['xvenue_vwap_dev'] = own.dollars - fair if own.is_live else math.nan
    out['staleness'] = math.log1p(own.stale)
    for name, leg in zip(LEGS[1:], legs[1:]):
        is_there, pairs = own.is_live and leg.is_live, leg.pairs
        out[f'spread.{name}'] = pairs[-1] if is_there else math.nan
        for label, width, least in (('5m', 5, 5), ('1h', 60, 30)):
            z = (pairs[-1] - mean(pairs[-width:], least)) / (sd(pairs[-width:], least) + 1e-6) if is_there else math.nan
            out[f'spread_z_{label}.{name}'] = z
        gap = (pairs[-1] - mean(pairs[-10:], 5)) / lead.trail.scale() if is_there and lead is not None else math.nan
        out[f'spread_gap_10.{name}'] = gap
    return out


result = {}
for case in ('flat', 'single', 'quiet', 'broken', 'jumps'):
    rows = rows_of(case)
    result[case] = {
        'columns': [f'{name}@1' for name in rows[0]],
        'rows': [{'t': START + (i + 1) * 60000, 'values': [None if math.isnan(v) else float(f'{v:.10g}') for v in values.values()]}
                 for i, values in zip(SAMPLES, rows)],
    }
path = pathlib.Path(__file__).parents[2] / 'libs/features/golden/leg-edges.json'
path.write_text(json.dumps(result) + '\n')
