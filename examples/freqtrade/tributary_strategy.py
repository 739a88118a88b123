"""A freqtrade strategy that trades on Tributary's signals: spot, long only, at the market.

It enters on an "up" of the newest minute that is sure enough, and leaves when the signal's time is over or when "down" comes. Silence, a stale
or doubtful decision and a gateway that does not answer open nothing. It reads the gateway's REST; docs/signals.md says what the fields mean.

    pip install -r requirements.txt
    freqtrade trade --config config.json --strategy-path . --userdir .       # paper trades until you change dry_run

In config.json, "tributary" has the gateway's `url` and the `horizon` to follow; `venue` is needed where freqtrade's name for the exchange is another.
A gateway that asks for a token gets TRIBUTARY_TOKEN. Signals say what comes next, not what pays: see "Size" in docs/signals.md.
"""

import logging
import os
from datetime import datetime, timedelta

import requests
from freqtrade.persistence import Trade
from freqtrade.strategy import DecimalParameter, IStrategy
from pandas import DataFrame

logger = logging.getLogger(__name__)

HORIZONS = {"1m": timedelta(minutes=1), "5m": timedelta(minutes=5), "15m": timedelta(minutes=15)}
# There is a decision every minute: one that is older than this was the last one of a pipeline that stands still.
OLDEST = timedelta(minutes=2)
ANSWER_WITHIN_SECONDS = 3


class TributaryStrategy(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "1m"
    can_short = False
    # A decision comes seconds after its candle, so that the same candle is looked at again.
    process_only_new_candles = False
    startup_candle_count = 0
    minimal_roi = {}
    stoploss = -0.05
    order_types = {"entry": "market", "exit": "market", "stoploss": "market", "stoploss_on_exchange": False}

    min_confidence = DecimalParameter(0.5, 0.95, default=0.6, decimals=2, space="buy")

    def bot_start(self, **kwargs) -> None:
        settings = {"url": "http://127.0.0.1:8787", "horizon": "1m", **self.config.get("tributary", {})}
        self.url, self.horizon = settings["url"], settings["horizon"]
        self.venue = settings.get("venue", self.config["exchange"]["name"])
        self.newest: dict[str, dict] = {}
        self.logged: dict[str, str] = {}

    def bot_loop_start(self, current_time: datetime, **kwargs) -> None:
        """The newest decision on each pair; where it cannot be had there is none."""
        self.newest = {}
        pairs = {pair.replace("/", "-"): pair for pair in self.dp.current_whitelist()}
        query = {"symbols": ",".join(pairs), "venues": self.venue, "horizons": self.horizon, "abstentions": "true"}
        token = os.environ.get("TRIBUTARY_TOKEN")
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        try:
            answer = requests.get(f"{self.url}/api/signals", query, headers=headers, timeout=ANSWER_WITHIN_SECONDS)
            answer.raise_for_status()
            self.newest = {pairs[decision["symbol"]]: decision for decision in answer.json()}
        except requests.RequestException as error:
            logger.warning("no signals: %s", error)
        for pair, decision in self.newest.items():
            if self.logged.get(pair) != identity_of(decision):
                self.logged[pair] = identity_of(decision)
                logger.info("decision %s: %s", identity_of(decision), self.why_not(pair, current_time) or "enter")

    def why_not(self, pair: str, now: datetime) -> str:
        """What stands against entering now; empty = nothing."""
        decision = self.newest.get(pair)
        if decision is None:
            return "silence"
        if decision["direction"] != "up":
            return decision["abstain_reason"] or decision["direction"]
        if not is_valid(decision, now):
            return "over"
        if milliseconds(now - OLDEST) > decision["t"]:
            return "stale feed"
        if decision["quality"] != 0:
            return f"quality {decision['quality']}"
        if decision["source"] != "live" and not self.config["dry_run"]:
            return f"not for real money: {decision['source']}"
        if decision["confidence"] < self.min_confidence.value:
            return f"confidence {decision['confidence']:.3f}"
        return ""

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Freqtrade acts on the last row; the history before it has no signals, so that a backtest does not trade."""
        pair = metadata["pair"]
        # Outside a running bot nothing was ever asked.
        if getattr(self, "newest", {}).get(pair) is not None and not self.why_not(pair, datetime.now().astimezone()):
            dataframe.loc[dataframe.index[-1], ["enter_long", "enter_tag"]] = (1, identity_of(self.newest[pair]))
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        return dataframe

    def confirm_trade_entry(
        self, pair: str, order_type: str, amount: float, rate: float, time_in_force: str, current_time: datetime,
        entry_tag: str | None, side: str, **kwargs,
    ) -> bool:
        """The last look before the order: it still holds, and no decision is acted on twice."""
        earlier = (trade.enter_tag for trade in Trade.get_trades_proxy(pair=pair))
        return not self.why_not(pair, current_time) and entry_tag not in earlier

    def custom_exit(
        self, pair: str, trade: Trade, current_time: datetime, current_rate: float, current_profit: float, **kwargs
    ) -> str | None:
        decision = self.newest.get(pair)
        if decision is not None and is_valid(decision, current_time):
            if decision["direction"] == "down":
                return "opposite"
            if decision["direction"] == "up":
                # Kept with the trade: it holds while the gateway is away, and over a restart.
                trade.set_custom_data("until", decision["valid_until"])
        until = trade.get_custom_data("until", milliseconds(trade.open_date_utc + HORIZONS[self.horizon]))
        return "over" if milliseconds(current_time) >= until else None


def identity_of(decision: dict) -> str:
    return ":".join(str(decision[name]) for name in ("venue", "symbol", "horizon", "t"))


def is_valid(decision: dict, now: datetime) -> bool:
    return milliseconds(now) < decision["valid_until"]


def milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)
