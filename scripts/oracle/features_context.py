#!/usr/bin/env python3
"""Independent values for the fundamental features: every formula written out over the vintages of generated context series.

Usage: features_context.py > libs/features/golden/fundamental.json
The series are drawn by integer arithmetic, which fundamental.oracle.test.ts repeats exactly: hourly and daily ones, with missing and late
values, zeros, revisions before and after the next value, gaps longer than a change may bridge, sources that fall silent, and series that
never come. Standard library only.
"""
import json
import math

START = 1709942400000  # 2024-03-09T00:00Z
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
DAYS = 40
ASSETS = ('BTC', 'ETH')
NAN = float('nan')

# Series as (name, cadence, divisor of a walk that begins near a million); {asset} stands for both assets.
SERIES = [(f'coingecko:{name}.{{asset}}', 'hourly', divisor) for name, divisor in (
    ('market_cap', 1e-6), ('market_cap_rank', 5e4), ('fully_diluted_valuation', 9e-7), ('volume_24h', 3e-5), ('circulating_supply', 0.05),
    ('total_supply', 0.048), ('max_supply', 0.045), ('ath_change_pct', -2e4), ('perp_open_interest', 3e-4))]
SERIES += [(f'coingecko:{name}', 'hourly', divisor) for name, divisor in (
    ('total_market_cap', 4e-7), ('total_volume_24h', 1e-5), ('btc_dominance', 1.8e4), ('eth_dominance', 9e4),
    ('total_market_cap_change_24h_pct', -3e5))]
SERIES += [(f'coingecko:{name}.{{asset}}', 'daily', divisor) for name, divisor in (
    ('sentiment_up_pct', 1.2e4), ('watchlist_users', 1.0), ('reddit_posts_48h', 1.5e5), ('reddit_comments_48h', 2.5e3),
    ('reddit_subscribers', 0.2), ('reddit_active_accounts', 300.0), ('telegram_users', 20.0), ('total_issues', 100.0),
    ('closed_issues', 110.0), ('pull_requests_merged', 90.0), ('contributors', 1e3), ('commits_4w', 9e3), ('code_additions_4w', 800.0),
    ('code_deletions_4w', 900.0))]
SERIES += [
    ('alternative-me:fear_greed', 'daily', 2e4),
    ('cryptocompare:social_points.{asset}', 'daily', 0.2),
    ('wikipedia:page_views.{asset}', 'daily', 140.0),
    ('github:commits_4w.{asset}', 'daily', 7e3),
    ('github:stars.{asset}', 'daily', 12.0),
    ('mempool-space:hash_rate', 'daily', 1e3),
    ('mempool-space:difficulty_adjustment', 'daily', 1e6),
    ('mempool-space:difficulty_next_pct', 'hourly', 4e5),
    ('mempool-space:fee_fastest', 'hourly', 5e4),
    ('mempool-space:fee_half_hour', 'hourly', 7e4),
    ('mempool-space:fee_economy', 'hourly', 2e5),
    ('mempool-space:mempool_vsize', 'hourly', 0.03),
    ('coin-metrics:active_addresses.{asset}', 'daily', 2.0),
    ('coin-metrics:transactions.{asset}', 'daily', 2.5),
    ('blockchain-charts:unique_addresses.{asset}', 'daily', 2.0),
    ('blockchain-charts:transactions.{asset}', 'daily', 2.6),
    ('blockchain-charts:transaction_value.{asset}', 'daily', 1.5e-4),
    ('defillama:stablecoin_supply', 'daily', 5e-6),
    ('defillama:usdt_supply', 'daily', 8e-6),
]
KEYS = [(name.replace('{asset}', asset), cadence, divisor)
        for name, cadence, divisor in SERIES for asset in (ASSETS if '{asset}' in name else ('',))]
VALID = {'hourly': 6 * HOUR, 'daily': 3 * DAY}


def draws():
    state = 12345
    while True:
        state = (1664525 * state + 1013904223) & 0xFFFFFFFF
        yield state >> 16


def vintages():
    """By series: (available, observed, value), in order of availability."""
    source = draws()

    def draw(below):
        return next(source) % below

    out = {}
    for index, (key, cadence, divisor) in enumerate(KEYS):
        walk, rows = 1_000_000 + 1000 * index, []
        for step in range(DAYS * (24 if cadence == 'hourly' else 1)):
            walk += walk * (draw(401) - 200) // 10_000
            missing, late, zero, revised, revision = draw(12) == 0, draw(180), draw(150) == 0, draw(6), draw(201) - 100
            value = 0 if zero else walk / divisor
            if cadence == 'hourly':
                observed = START + (step + 1) * HOUR + draw(50) * MINUTE
                available = observed + late % 30 * MINUTE
                # A gap of 60 hours; half of them also one of 10 hours, in which they become stale.
                silent = (index % 5 == 0 and 200 <= step < 260) or (index % 2 == 0 and 640 <= step < 650)
            else:
                observed = START + (step + 1) * DAY
                available = observed + 12 * HOUR + late * MINUTE
                silent = (index % 7 == 3 and 18 <= step < 26) or (index % 4 == 1 and 28 <= step < 31)
            if missing or silent or (key.endswith('.ETH') and index % 9 == 4):
                continue
            rows.append((available, observed, value))
            # Daily values are revised before the next one comes, or after.
            if cadence == 'daily' and revised < 2:
                rows.append((available + (20 if revised == 0 else 30) * HOUR, observed, value + value * revision / 1000))
        out[key] = sorted(rows, key=lambda row: row[0])
    return out


class At:
    """What of the vintages is known at t, for an asset."""

    def __init__(self, series, asset, t):
        self.series, self.asset, self.t = series, asset, t

    def known(self, name):
        """Periods in order, each with what was last said of it by t: (observed, value, until when it may serve)."""
        key = name.replace('{asset}', self.asset)
        cadence = next((cadence for other, cadence, _ in KEYS if other == key), 'daily')
        periods = {}
        for available, observed, value in self.series.get(key, []):
            if available <= self.t:
                periods[observed] = (observed, value, available + VALID[cadence])
        return [periods[observed] for observed in sorted(periods)]

    def value(self, name):
        known = self.known(name)
        return known[-1][1] if known and self.t <= known[-1][2] else NAN

    def before(self, name, ms):
        known = self.known(name)
        if not known or self.t > known[-1][2]:
            return NAN
        newest = known[-1][0]
        seen, kept = set(), []
        for observed, value, _ in known:
            hour, day = ('h', observed // HOUR), ('d', observed // DAY)
            age = newest - observed
            if (hour not in seen and age <= 26 * HOUR) or (day not in seen and age <= 40 * DAY):
                kept.append((observed, value))
            seen |= {hour, day}
        wanted = newest - ms
        earlier = [(observed, value) for observed, value in kept if observed <= wanted]
        if not earlier or wanted - earlier[-1][0] > max(ms / 4, DAY if ms >= DAY else HOUR):
            return NAN
        return earlier[-1][1]


def ln(x):
    return math.log(x) if x > 0 else NAN


def features(at):
    """Every column of the category."""
    def v(name):
        return at.value(name)

    def chg(name, days):
        return ln(v(name)) - ln(at.before(name, days * DAY))

    def diff(name, days):
        return v(name) - at.before(name, days * DAY)

    def count(x):
        return math.log1p(x) if x >= 0 else NAN

    def over(a, b):
        return a / b if b > 0 else NAN

    cg = 'coingecko:'
    cap, volume, total = v(cg + 'market_cap.{asset}'), v(cg + 'volume_24h.{asset}'), v(cg + 'total_market_cap')
    circulating, largest = v(cg + 'circulating_supply.{asset}'), v(cg + 'max_supply.{asset}')
    limit = largest if largest > 0 else v(cg + 'total_supply.{asset}')
    added, removed = v(cg + 'code_additions_4w.{asset}'), v(cg + 'code_deletions_4w.{asset}')
    addresses, stables = v('blockchain-charts:unique_addresses.{asset}'), v('defillama:stablecoin_supply')
    out = {
        'market_cap_ln': ln(cap),
        'market_cap_rank': ln(v(cg + 'market_cap_rank.{asset}')),
        'market_cap_chg_24h': chg(cg + 'market_cap.{asset}', 1),
        'volume_to_mcap': ln(volume) - ln(cap),
        'volume_chg_1d': chg(cg + 'volume_24h.{asset}', 1),
        'circulating_ratio': over(circulating, limit) if circulating > 0 else NAN,
        'circulating_supply_chg_30d': chg(cg + 'circulating_supply.{asset}', 30),
        'fdv_to_mcap': ln(v(cg + 'fully_diluted_valuation.{asset}')) - ln(cap),
        'ath_drawdown': ln(1 + v(cg + 'ath_change_pct.{asset}') / 100),
        'perp_oi_to_mcap': ln(v(cg + 'perp_open_interest.{asset}')) - ln(cap),
    }
    for coin in ('btc', 'eth'):
        name = f'{cg}{coin}_dominance'
        out |= {f'{coin}_dominance': v(name) / 100, f'{coin}_dominance_chg_1d': diff(name, 1) / 100,
                f'{coin}_dominance_chg_7d': diff(name, 7) / 100}
    out |= {
        'asset_dominance': ln(cap) - ln(total),
        'total_mcap_chg_24h': ln(1 + v(cg + 'total_market_cap_change_24h_pct') / 100),
        'total_mcap_chg_7d': chg(cg + 'total_market_cap', 7),
        'total_volume_to_mcap': ln(v(cg + 'total_volume_24h')) - ln(total),
        'fear_greed': v('alternative-me:fear_greed') / 50 - 1,
        'fear_greed_chg_1d': diff('alternative-me:fear_greed', 1) / 50,
        'fear_greed_chg_7d': diff('alternative-me:fear_greed', 7) / 50,
        'sentiment_up_pct': v(cg + 'sentiment_up_pct.{asset}') / 100,
        'watchlist_users_chg': chg(cg + 'watchlist_users.{asset}', 7),
        'reddit_posts_48h': count(v(cg + 'reddit_posts_48h.{asset}')),
        'reddit_comments_48h': count(v(cg + 'reddit_comments_48h.{asset}')),
        'reddit_active_share': over(v(cg + 'reddit_active_accounts.{asset}'), v(cg + 'reddit_subscribers.{asset}')),
        'reddit_subscribers_chg_7d': chg(cg + 'reddit_subscribers.{asset}', 7),
        'telegram_users_chg_7d': chg(cg + 'telegram_users.{asset}', 7),
        'social_points': count(v('cryptocompare:social_points.{asset}')),
        'social_points_chg_7d': chg('cryptocompare:social_points.{asset}', 7),
        'wiki_views_chg_7d': chg('wikipedia:page_views.{asset}', 7),
        'github_commits_4w': count(v('github:commits_4w.{asset}')),
        'github_stars_chg': chg('github:stars.{asset}', 7),
        'developer_commits_4w': count(v(cg + 'commits_4w.{asset}')),
        'developer_code_growth_4w': over(added - removed, added + removed),
        'github_prs_merged': chg(cg + 'pull_requests_merged.{asset}', 7),
        'github_issue_close_ratio': over(v(cg + 'closed_issues.{asset}'), v(cg + 'total_issues.{asset}')),
        'github_contributors_chg': chg(cg + 'contributors.{asset}', 30),
        'hash_rate_chg_7d': chg('mempool-space:hash_rate', 7),
        'hash_rate_chg_30d': chg('mempool-space:hash_rate', 30),
        'difficulty_chg': ln(v('mempool-space:difficulty_adjustment')),
        'difficulty_next_chg': ln(1 + v('mempool-space:difficulty_next_pct') / 100),
        'fee_rate': count(v('mempool-space:fee_half_hour')),
        'fee_urgency': ln(v('mempool-space:fee_fastest')) - ln(v('mempool-space:fee_economy')),
        'mempool_blocks': count(v('mempool-space:mempool_vsize') / 1e6),
        'active_addresses_chg_7d': chg('coin-metrics:active_addresses.{asset}', 7),
        'tx_count_chg_7d': chg('coin-metrics:transactions.{asset}', 7),
        'unique_addresses_chg_7d': chg('blockchain-charts:unique_addresses.{asset}', 7),
        'tx_per_address': ln(v('blockchain-charts:transactions.{asset}')) - ln(addresses),
        'nvt': ln(cap) - ln(v('blockchain-charts:transaction_value.{asset}')),
        'stablecoin_supply_chg_7d': chg('defillama:stablecoin_supply', 7),
        'stablecoin_supply_ratio': ln(total) - ln(stables),
        'usdt_supply_chg_7d': chg('defillama:usdt_supply', 7),
    }
    return out


# Hours after the start: cold, gaps and what follows them, silence, revisions, and every other warm.
HOURS = [1, 30, 61, 190, 206, 215, 262, 285, 300, 370, 442, 500, 570, 620, 645, 652, 660, 700, 740, 745, 770, 790, 850, 900, 940, 955]

if __name__ == '__main__':
    series = vintages()
    rows = {asset: [{'hour': hour, 'values': list(features(At(series, asset, START + hour * HOUR)).values())} for hour in HOURS]
            for asset in ASSETS}
    columns = [f'{name}@1' for name in features(At(series, 'BTC', START))]
    for asset in ASSETS:
        for row in rows[asset]:
            row['values'] = [None if math.isnan(value) else float(f'{value:.9g}') for value in row['values']]
    events = sum(len(each) for each in series.values())
    print(json.dumps({'start': START, 'days': DAYS, 'series': KEYS, 'events': events, 'columns': columns, 'rows': rows},
                     separators=(',', ':')))
