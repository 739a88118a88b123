"""A bot that follows signals on paper; the Python twin of examples/bot-typescript.

Its state, the cursor included, is one file that is replaced whole after each step: kill it at any moment, and the next start goes on without a
trade missing or done twice. With an exchange behind it, `identity_of(signal)` is the client order id.

    pip install tributary-client && python bot.py [HOST:PORT] [STATE FILE]
"""

import json
import os
import sys
import time
from pathlib import Path

from tributary_client import DIRECTION_ABSTAIN, DIRECTION_UP, identity_of, is_actionable, stream_signals

address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:50051"
file = Path(sys.argv[2] if len(sys.argv) > 2 else "bot-state.json")
state = json.loads(file.read_text()) if file.exists() else {"cursor": "", "positions": {}}


def say(what, **more):
    print(json.dumps({"what": what, **more}), flush=True)


def save(cursor):
    state["cursor"] = cursor
    new = file.with_suffix(".new")
    new.write_text(json.dumps(state))
    os.replace(new, file)


def close(key, why):
    position = state["positions"].pop(key, None)
    if position is not None:
        say("close", **position, why=why)


def close_ended():
    """Validity ends by our own clock; progress wakes us every second where no signal does."""
    for key, position in list(state["positions"].items()):
        if position["until"] <= time.time() * 1000:
            close(key, "over")


def act(signal):
    key = f"{signal.venue}:{signal.instrument}"
    if signal.source == "live" and os.environ.get("LIVE") != "yes":
        return say("live", hint="set LIVE=yes to follow live signals")
    if signal.direction == DIRECTION_ABSTAIN:
        return close(key, signal.abstain_reason)
    identity = identity_of(signal)
    if not is_actionable(signal):  # missed while we were away: history, not advice
        return say("stale", id=identity)
    if signal.quality != 0:
        return say("poor", id=identity, quality=signal.quality)
    side = "long" if signal.direction == DIRECTION_UP else "short"
    held = state["positions"].get(key)
    if held is not None and held["side"] == side:
        held["until"] = signal.valid_until
        return None
    close(key, "turned")
    state["positions"][key] = {"id": identity, "side": side, "until": signal.valid_until}
    return say("open", id=identity, side=side, confidence=signal.confidence, price=signal.reference_price)


def lost(why):
    say("lost", why=why)
    close_ended()


say("start", address=address, goesOn=state["cursor"] != "")
for item in stream_signals(address, horizons=["1m"], after=state["cursor"], progress_seconds=1, on_lost=lost):
    close_ended()
    if item.signal is None:
        say("alive")
    else:
        say("signal", id=identity_of(item.signal), direction=item.signal.direction)
        act(item.signal)
    save(item.cursor)
