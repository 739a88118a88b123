#!/usr/bin/env python3
"""Independent values for categories D and E and for DVOL: written out over whole series, calendars from other people's packages.

Usage: features_macro.py > libs/features/golden/macro.json
The events are drawn here and stand in the file beside what must come of them. Needs exchange_calendars (which needs pandas).
"""
import json
import math
import random
from bisect import bisect_right
from datetime import datetime, timedelta, timezone
from statistics import correlation, fmean, stdev
from zoneinfo import ZoneInfo

import exchange_calendars
import pandas as pd

NEW_YORK, LONDON, TOKYO = ZoneInfo('America/New_York'), ZoneInfo('Europe/London'), ZoneInfo('Asia/Tokyo')
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NAN = math.nan


def ms(*date, zone=timezone.utc):
    return int(datetime(*date, tzinfo=zone).timestamp()) * 1000


# Calendars ------------------------------------------------------------------------------------------------------------------------

EXCHANGES = {name: exchange_calendars.get_calendar(name, start='2023-12-01', end='2027-12-31') for name in ('XNYS', 'XLON', 'XTKS')}
SESSIONS = {name: set(calendar.sessions.date) for name, calendar in EXCHANGES.items()}
EARLY = set(EXCHANGES['XNYS'].early_closes.date)


def is_holiday(exchange, date):
    return date.weekday() < 5 and date not in SESSIONS[exchange]


def calendar(t):
    utc = datetime.fromtimestamp(t / 1000, timezone.utc)
    london, york, tokyo = utc.astimezone(LONDON), utc.astimezone(NEW_YORK), utc.astimezone(TOKYO)
    hour = utc.hour + utc.minute / 60
    minute_london, minute_york = london.hour * 60 + london.minute, york.hour * 60 + york.minute
    in_london, in_york = 480 <= minute_london < 990, 480 <= minute_york < 1020
    day = utc.weekday() + hour / 24
    # The next 09:30 on New York's clock, if it is less than a day of its clock away and the exchange opens.
    ahead = (570 - minute_york) % 1440
    opens = (york.replace(tzinfo=None) + timedelta(minutes=ahead)).date() in SESSIONS['XNYS']
    close = 0
    if york.date() in SESSIONS['XNYS'] and minute_york >= 570:
        close = max(0, (780 if york.date() in EARLY else 960) - minute_york)
    friday = (utc + timedelta(days=(4 - utc.weekday()) % 7)).replace(hour=8, minute=0)
    if friday <= utc:
        friday += timedelta(days=7)
    angle = 2 * math.pi
    return {
        'session_asia@1': hour < 9, 'session_london@1': in_london, 'session_new_york@1': in_york,
        'session_overlap@1': in_london and in_york,
        'hour_sin@1': math.sin(angle * hour / 24), 'hour_cos@1': math.cos(angle * hour / 24),
        'dow_sin@1': math.sin(angle * day / 7), 'dow_cos@1': math.cos(angle * day / 7), 'weekend@1': utc.weekday() >= 5,
        'minutes_to_us_equity_open@2': ahead if opens else 0, 'minutes_to_us_equity_close@2': close,
        'month_end@1': (utc + timedelta(days=1)).day == 1,
        'options_expiry_hours@1': (friday - utc).total_seconds() / 3600,
        'options_expiry_quarterly@1': friday.month % 3 == 0 and (friday + timedelta(days=7)).month != friday.month,
        'dst_us@1': bool(york.dst()), 'dst_uk@1': bool(london.dst()),
        'us_holiday@1': is_holiday('XNYS', york.date()), 'uk_holiday@1': is_holiday('XLON', london.date()),
        'jp_holiday@1': is_holiday('XTKS', tokyo.date()),
    }


def times():
    """Every 1009 minutes over a while, the minutes around clock changes, and around the ends of each weekday off."""
    start = ms(2024, 3, 9)
    out = [start + MINUTE * 1009 * i for i in range(0, 1042, 7)]
    edges = [ms(*edge) for edge in ((2024, 3, 10, 7), (2024, 3, 31, 1), (2024, 10, 27, 1), (2024, 11, 3, 6), (2024, 3, 29, 8), (2024, 5, 31, 13))]
    zones = {'XNYS': NEW_YORK, 'XLON': LONDON, 'XTKS': TOKYO}
    for exchange, zone in zones.items():
        for day in pd.bdate_range('2024-01-01', '2027-12-30'):
            if is_holiday(exchange, day.date()):
                edges.append(ms(day.year, day.month, day.day, zone=zone))
    for day in sorted(EARLY):
        edges += [ms(day.year, day.month, day.day, 13, zone=NEW_YORK), ms(day.year, day.month, day.day, 9, 30, zone=NEW_YORK)]
    for year in (2025, 2026, 2027):
        edges.append(ms(year, 7, 3, 13, zone=NEW_YORK))
    return sorted(set(out + [edge + shift for edge in edges for shift in (-MINUTE, 0, MINUTE)] + [edge + 14 * HOUR for edge in edges]))


# Context values -------------------------------------------------------------------------------------------------------------------

class Series:
    """All vintages of one series: (observed, available, value), and what may be known of them at t."""

    def __init__(self, valid):
        self.rows, self.valid = [], valid

    def add(self, observed, available, value):
        self.rows.append((observed, available, value))

    def known(self, t):
        """By period, each period's newest vintage; empty where the newest may serve no more."""
        periods = {}
        for observed, available, value in sorted(self.rows, key=lambda row: row[1]):
            if available <= t:
                periods[observed] = (available, value)
        out = sorted((observed, *rest) for observed, rest in periods.items())
        return out if out and t <= out[-1][1] + self.valid else []

    def value(self, t):
        known = self.known(t)
        return known[-1][2] if known else NAN

    def kept(self, t):
        """The newest, the first of each hour of 26 hours, the first of each day of 40 days."""
        known = self.known(t)
        hours, days, out = set(), set(), []
        for observed, _, value in known:
            age = known[-1][0] - observed
            first_hour, first_day = observed // HOUR not in hours, observed // DAY not in days
            hours.add(observed // HOUR)
            days.add(observed // DAY)
            if age == 0 or (first_hour and age <= 26 * HOUR) or (first_day and age <= 40 * DAY):
                out.append((observed, value))
        return out

    def before(self, back, t):
        kept = self.kept(t)
        if not kept:
            return NAN
        wanted, slack = kept[-1][0] - back, max(back / 4, DAY if back >= DAY else HOUR)
        older = [row for row in kept if row[0] <= wanted]
        return older[-1][1] if older and wanted - older[-1][0] <= slack else NAN

    def daily(self, t):
        """(day, first value of the day), newest first; of the newest day its newest value."""
        days = {}
        for observed, value in self.kept(t):
            days.setdefault(observed // DAY, value)
        if days:
            days[max(days)] = self.value(t)
        return sorted(days.items(), reverse=True)


VENUES = {'kraken': 'kraken-futures', 'binance': 'binance-futures', 'bybit': 'bybit', 'okx': 'okx', 'deribit': 'deribit',
          'hyperliquid': 'hyperliquid'}
LONG_START, LONG_HOURS = ms(2024, 2, 20), 40 * 24


def is_told(hour):
    """Series come every hour at the beginning, in the middle and at the end, else every six hours: the file stays small."""
    return hour < 62 or 296 <= hour < 304 or LONG_HOURS - 60 <= hour or hour % 6 == 0


def ln(value):
    return math.log(value) if value > 0 else NAN


def mean(values):
    known = [value for value in values if not math.isnan(value)]
    return fmean(known) if known else NAN


def context(rng):
    """Hourly series at odd minutes, daily ones on the exchange's days; some stop, some skip, some are revised."""
    out = {}

    def hourly(name, start, step, minute, valid=7 * HOUR, until=LONG_HOURS, skip=0.0, every=1):
        series, value = out.setdefault(name, Series(valid)), start
        for hour in range(0, until, every):
            value = step(value)
            if rng.random() < skip or every == 1 and not is_told(hour):
                continue
            at = LONG_START + hour * HOUR + minute * MINUTE
            series.add(at, at + 7_000, float(f'{value:.4g}'))

    def walk(scale):
        return lambda value: value * math.exp(scale * rng.gauss(0, 1))

    def shake(scale, middle):
        return lambda value: 0.9 * value + 0.1 * middle + scale * rng.gauss(0, 1)

    for index, source in enumerate(VENUES.values()):
        until = 30 * 24 if source == 'okx' else LONG_HOURS
        hourly(f'{source}:funding_8h.BTC', 1e-4, shake(4e-5, 1e-4), 3 + index, until=until, skip=0.05)
        hourly(f'{source}:open_interest.BTC', 3e4 * (1 + index), walk(0.01), 11 + index, until=until, skip=0.2)
    hourly('bybit:funding_interval.BTC', 8, lambda value: rng.choice([8, 4]), 21, every=24, until=20 * 24, valid=30 * HOUR)
    hourly('okx:funding_interval.BTC', 8, lambda value: rng.choice([8, 2]), 22, every=24, until=26 * 24, valid=30 * HOUR)
    hourly('deribit:put_call_volume.BTC', 0.7, walk(0.05), 31, skip=0.05)
    hourly('deribit:put_call_oi.BTC', 0.6, walk(0.01), 32)
    hourly('deribit:atm_iv_7d.BTC', 0.55, walk(0.01), 33, skip=0.1)
    hourly('deribit:skew_25d_7d.BTC', 0.02, shake(0.004, 0.01), 34)
    hourly('deribit:dvol.BTC', 55, walk(0.01), 35)
    hourly('deribit:basis.BTC', 0.08, shake(0.004, 0.08), 36)
    hourly('kraken-futures:basis.BTC', 0.09, shake(0.004, 0.08), 37, until=33 * 24)
    # Nobody bought a put.
    out['deribit:put_call_volume.BTC'].rows[-1] = (*out['deribit:put_call_volume.BTC'].rows[-1][:2], 0.0)
    daily = {'fred:sp500': (5000, walk(0.01), 6), 'yahoo:gold': (2030, walk(0.008), 6), 'fred:us10y': (4.2, shake(0.05, 4.2), 6),
             'fred:dollar_index': (120, walk(0.003), 6), 'cboe:vix': (14, walk(0.06), 2), 'fred:vix': (14, walk(0.06), 6),
             'etf-flows:net_flow.BTC': (200, shake(300, 100), 6)}
    for name, (value, step, valid_days) in daily.items():
        series = out[name] = Series(valid_days * DAY)
        for offset in range(-3, 40):
            date = (datetime(2024, 2, 20) + timedelta(days=offset)).date()
            if date not in SESSIONS['XNYS']:
                continue
            value = step(value)
            observed = ms(date.year, date.month, date.day, 16, zone=NEW_YORK)
            available = ms(date.year, date.month, date.day) + DAY + 12 * HOUR
            series.add(observed, available, round(value, 4))
            # A week later the statistics office knows better.
            if date.day % 9 == 0:
                series.add(observed, available + 3 * DAY, round(value * 1.01, 4))
    for who in ('asset_manager', 'leveraged'):
        series = out[f'cftc:{who}_net.BTC'] = Series(16 * DAY)
        for week in range(-1, 6):
            tuesday = ms(2024, 2, 20) + week * 7 * DAY + 21 * HOUR
            series.add(tuesday, tuesday + 3 * DAY, round(rng.uniform(-0.5, 0.5), 6))
    return out


def long_run(rng):
    series = context(rng)
    # ln prices at whole hours: the reference and two venues.
    log_btc, btc, legs = math.log(52_000), [], {'coinbase': [], 'kraken': []}
    for _ in range(LONG_HOURS + 1):
        log_btc += 0.006 * rng.gauss(0, 1)
        btc.append(round(math.exp(log_btc), 1))
        for prices in legs.values():
            prices.append(round(math.exp(log_btc + 0.0003 * rng.gauss(0, 1)), 1))
    # A reference that was too old at New York's close on one day.
    lost = (ms(2024, 3, 14, 16, zone=NEW_YORK) - LONG_START) // HOUR
    btc[lost] = None
    picks = sorted({1, 2, 26, 60, 7 * 24, 7 * 24 + 1, 8 * 24 + 13, 300, 301, 302, 303, 480, 481, 600, 601, 30 * 24 - 1, 30 * 24, 30 * 24 + 2,
                    30 * 24 + 4, *range(31 * 24, LONG_HOURS + 1, 17), LONG_HOURS})
    rows = []
    for hour in picks:
        rows.append({'t': LONG_START + hour * HOUR, 'values': context_columns(series, btc, legs, hour)})
    # Times in seconds since the start: end of the period, availability.
    events = {name: {'validFor': entry.valid, 'rows': [((o - LONG_START) // 1000, (a - LONG_START) // 1000, v) for o, a, v in entry.rows]}
              for name, entry in series.items()}
    return events, btc, legs, rows


def context_columns(series, btc, legs, hour):
    t = LONG_START + hour * HOUR
    read = lambda name: series[name].value(t) if name in series else NAN
    before = lambda name, back: series[name].before(back, t) if name in series else NAN
    funding = {label: read(f'{source}:funding_8h.BTC') for label, source in VENUES.items()}
    known = [rate for rate in funding.values() if not math.isnan(rate)]
    out = {f'funding_{label}': rate * 1e4 for label, rate in funding.items()}
    out['funding_mean'] = mean(known) * 1e4
    out['funding_dispersion'] = stdev(known) * 1e4 if len(known) > 1 else NAN
    intervals = [read(f'{source}:funding_interval.BTC') for source in ('binance-futures', 'bybit', 'okx')]
    interval = min([8] + [value for value in intervals if not math.isnan(value)])
    passed = t % DAY / HOUR
    out['minutes_to_funding'] = (math.floor(passed / interval) * interval + interval - passed) * 60
    for label, back in (('1h', HOUR), ('1d', DAY)):
        pairs = [(read(name), before(name, back)) for name in (f'{source}:open_interest.BTC' for source in VENUES.values())]
        pairs = [pair for pair in pairs if not math.isnan(sum(pair))]
        out[f'open_interest_chg_{label}'] = ln(sum(a for a, _ in pairs) / sum(b for _, b in pairs)) if pairs else NAN
    out['put_call_volume'], out['put_call_oi'] = ln(read('deribit:put_call_volume.BTC')), ln(read('deribit:put_call_oi.BTC'))
    out['atm_iv_7d'], out['skew_25d_7d'] = read('deribit:atm_iv_7d.BTC'), read('deribit:skew_25d_7d.BTC')
    out['dvol'] = out['crypto_vix'] = read('deribit:dvol.BTC') / 100
    out['crypto_vix_chg_1d'] = ln(read('deribit:dvol.BTC') / before('deribit:dvol.BTC', DAY))
    basis = ('deribit:basis.BTC', 'kraken-futures:basis.BTC')
    out['futures_basis'] = mean([read(name) for name in basis])
    out['futures_basis_chg_1d'] = mean([read(name) - before(name, DAY) for name in basis])
    price = [fmean(math.log(prices[i]) for prices in legs.values()) for i in range(hour + 1)]
    # The first candle ends at hour 1.
    moves = [price[i] - price[i - 1] for i in range(2, hour + 1)][-720:]
    out['dvol_minus_realized'] = out['dvol'] - stdev(moves) * math.sqrt(8760) if len(moves) >= 168 else NAN
    flows = series['etf-flows:net_flow.BTC'].daily(t)
    out['etf_flow_1d'] = flows[0][1] if flows else NAN
    out['etf_flow_5d'] = sum(value for _, value in flows[:5]) if len(flows) >= 5 else NAN
    for who in ('asset_manager', 'leveraged'):
        name = f'cftc:{who}_net.BTC'
        out[f'cot_{who}_net'], out[f'cot_{who}_net_chg_1w'] = read(name), read(name) - before(name, 7 * DAY)
    vix = series['cboe:vix'].daily(t) or series['fred:vix'].daily(t)
    dollar, spx, bond, gold = (series[name].daily(t) for name in ('fred:dollar_index', 'fred:sp500', 'fred:us10y', 'yahoo:gold'))
    back = lambda daily, days: daily[days][1] if len(daily) > days else NAN
    out['vix'], out['vix_chg_1d'] = back(vix, 0) / 100, ln(back(vix, 0) / back(vix, 1))
    out['dxy_chg_5d'] = ln(back(dollar, 0) / back(dollar, 5))
    out['spx_ret_1d'] = ln(back(spx, 0) / back(spx, 1))
    out['us10y_chg_5d'] = back(bond, 0) - back(bond, 5)
    closes = {}
    for i in range(1, hour + 1):
        at = datetime.fromtimestamp(LONG_START / 1000 + i * 3600, timezone.utc)
        if at.astimezone(NEW_YORK).hour == 16 and btc[i] is not None:
            closes[at.toordinal() - datetime(1970, 1, 1).toordinal()] = math.log(btc[i])
    for name, daily in (('spx', spx), ('gold', gold), ('dxy', dollar), ('us10y', bond)):
        recent = [row for row in daily if row[0] >= t // DAY - 30]
        pairs = [((new - old) if name == 'us10y' else ln(new / old), closes[day] - closes[earlier])
                 for (day, new), (earlier, old) in zip(recent, recent[1:]) if day in closes and earlier in closes]
        out[f'corr_{name}_30d'] = correlation(*zip(*pairs)) if len(pairs) >= 12 else NAN
    return out


# Quotes and legs ------------------------------------------------------------------------------------------------------------------

FEES = {'coinbase': 60, 'kraken': 40, 'binanceus': 60}
LEGS = [('coinbase', 'USD'), ('kraken', 'USD'), ('kraken', 'USDT'), ('binanceus', 'USDT'), ('kraken', 'EUR'),
        ('coinbase', 'USDT')]
SHORT_MINUTES = 800
DEPEG, LONELY, NO_TRADE = range(300, 330), range(400, 420), range(500, 560)


def short_run(rng):
    """Minute m: the rate, then middle, half spread, whether quoted, whether traded, by leg. USDT leaves its peg, quotes are lost, Coinbase stops trading."""
    log_price, home, rows, edges, premiums, expected = math.log(60_000), None, [], [], [], []
    for minute in range(SHORT_MINUTES):
        log_price += 0.0005 * rng.gauss(0, 1)
        rate = round((0.985 if minute in DEPEG else 1) + 0.0003 * rng.gauss(0, 1), 6)
        quotes, closes, told = [], [], []
        for venue, quote in LEGS:
            middle = math.exp(log_price + 0.0003 * rng.gauss(0, 1)) / (rate if quote == 'USDT' else 1)
            if (venue, quote) == ('coinbase', 'USD') and 600 <= minute < 620:
                middle *= 1.02
            middle, half = round(middle), round(middle * 0.00015 * (1 + rng.random()))
            is_quoted = minute not in LONELY or (venue, quote) == ('kraken', 'USD')
            quotes.append([middle - half, middle + half] if is_quoted else None)
            closes.append(None if minute in NO_TRADE and venue == 'coinbase' else middle)
            told.append([middle, half, int(is_quoted), int(closes[-1] is not None)])
        rows.append([rate, *told])
        home = closes[0] or home
        pegged = abs(math.log(rate)) <= 0.005
        live = [(venue, math.log(q[0]) + math.log(rate) * (quote == 'USDT'), math.log(q[1]) + math.log(rate) * (quote == 'USDT'))
                for (venue, quote), q in zip(LEGS, quotes) if q and quote != 'EUR' and (pegged or quote == 'USD')]
        if len(live) < 2:
            edges.append(NAN)
            net = NAN
        else:
            edges.append(max(bid for _, bid, _ in live) - min(ask for _, _, ask in live))
            net = max(bid - FEES[v] / 1e4 for v, bid, _ in live) - min(ask + FEES[v] / 1e4 for v, _, ask in live)
        stale = 0 if minute not in NO_TRADE else minute - NO_TRADE.start + 1
        premium = NAN
        if pegged and stale <= 30:
            premium = 1e4 * (math.log(home) - fmean(math.log(c) + math.log(rate) for (v, q), c in zip(LEGS, closes)
                                                     if q == 'USDT' and v != 'coinbase'))
            premiums.append(premium)
        window = range(max(0, minute - 59), minute + 1)
        known = sum(not math.isnan(edges[i]) for i in window)
        up = lambda i: i >= 0 and edges[i] > 0
        expected.append({
            'arb_edge_bps': net * 1e4,
            'arb_duration_1h': sum(up(i) for i in window) if known >= 30 else NAN,
            'arb_count_1h': sum(up(i) and not up(i - 1) for i in window) if known >= 30 else NAN,
            'coinbase_premium_bps': premium,
            'coinbase_premium_1d': fmean(premiums[-1440:]) if len(premiums) >= 720 and not math.isnan(premium) else NAN})
    picks = [0, 10, 28, 29, 30, 59, 60, 61, 200, 305, 310, 329, 330, 405, 419, 440, 470, 529, 530, 531, 559, 560, 605, 640, 700, 760, 780, 799]
    start = ms(2024, 4, 2)
    return start, rows, [{'t': start + (m + 1) * MINUTE, 'values': expected[m]} for m in picks]


def section(rows, suffix='@1'):
    columns = list(rows[0]['values'])
    plain = lambda v: None if math.isnan(v) else float(f'{float(v):.10g}')
    return {'columns': [f'{name}{suffix}' for name in columns],
            'rows': [{'t': row['t'], 'values': [plain(row['values'][name]) for name in columns]} for row in rows]}


def main():
    rng = random.Random(4)
    events, btc, legs, long_rows = long_run(rng)
    start, minutes, short_rows = short_run(rng)
    print(json.dumps({
        'time': section([{'t': t, 'values': calendar(t)} for t in times()], ''),
        'context': {'start': LONG_START, 'series': events, 'btc': btc, 'legs': legs, **section(long_rows)},
        'quotes': {'start': start, 'fees': FEES, 'legs': LEGS, 'minutes': minutes, **section(short_rows)},
    }, separators=(',', ':')))


if __name__ == '__main__':
    main()
