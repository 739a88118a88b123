"""Signals of a Tributary instance over gRPC.

`stream_signals` never ends by itself: it reconnects with a growing pause and goes on behind the last item that you took. Keep an item's cursor
together with what you did about it, and nothing is missed or done twice. What the fields mean is in docs/signals.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import grpc

from tributary.v1.signal_service_pb2 import GetSignalRequest, StreamSignalsRequest
from tributary.v1.signal_service_pb2_grpc import SignalServiceStub
from tributary.v1.signals_pb2 import DIRECTION_ABSTAIN, DIRECTION_DOWN, DIRECTION_UP, Signal

__all__ = [
    "DIRECTION_ABSTAIN",
    "DIRECTION_DOWN",
    "DIRECTION_UP",
    "Signal",
    "SignalServiceStub",
    "StreamItem",
    "identity_of",
    "is_actionable",
    "latest_signals",
    "stream_signals",
]

# What trying again does not mend.
_FINAL = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
}
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 10.0


@dataclass(frozen=True)
class StreamItem:
    """`signal` None: nothing passed the filter up to the cursor, and the stream is alive."""

    signal: Signal | None
    cursor: str


def stream_signals(
    address: str = "127.0.0.1:50051",
    *,
    instruments: Sequence[str] = (),
    venues: Sequence[str] = (),
    horizons: Sequence[str] = (),
    abstentions: bool = True,
    after: str = "",
    token: str | None = None,
    channel_credentials: grpc.ChannelCredentials | None = None,
    progress_seconds: float = 5.0,
    on_lost: Callable[[str], None] | None = None,
) -> Iterator[StreamItem]:
    """Raises grpc.RpcError where trying again cannot help: a cursor that is too old or foreign, a wrong filter, no access."""
    pause = _FIRST_PAUSE
    while True:
        request = StreamSignalsRequest(
            instruments=instruments,
            venues=venues,
            horizons=horizons,
            include_abstentions=abstentions,
            after=after,
            progress_ms=int(progress_seconds * 1000),
        )
        try:
            with _channel(address, channel_credentials) as channel:
                for response in SignalServiceStub(channel).StreamSignals(request, metadata=_metadata(token)):
                    pause, after = _FIRST_PAUSE, response.cursor
                    yield StreamItem(response.signal if response.HasField("signal") else None, after)
        except grpc.RpcError as error:
            if error.code() in _FINAL:
                raise
            if on_lost is not None:
                on_lost(error.details() or str(error.code()))
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def latest_signals(
    address: str, instrument: str, *, venue: str = "", horizon: str = "", token: str | None = None
) -> Sequence[Signal]:
    """The latest decisions on an instrument, abstentions too; empty = there is none yet."""
    request = GetSignalRequest(instrument=instrument, venue=venue, horizon=horizon)
    with _channel(address, None) as channel:
        try:
            return SignalServiceStub(channel).GetSignal(request, metadata=_metadata(token), timeout=10).signals
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return []
            raise


def identity_of(signal: Signal) -> str:
    """What tells a decision from every other: a good client order id."""
    return f"{signal.venue}:{signal.instrument}:{signal.horizon}:{signal.t}"


def is_actionable(signal: Signal, now_ms: float | None = None) -> bool:
    """Whether it may be acted on: it speaks, and its time is not over."""
    now = time.time() * 1000 if now_ms is None else now_ms
    return signal.direction in (DIRECTION_UP, DIRECTION_DOWN) and now < signal.valid_until


def _channel(address: str, credentials: grpc.ChannelCredentials | None) -> grpc.Channel:
    # A connection that answers no ping for so long is dead.
    options = [("grpc.keepalive_time_ms", 30_000), ("grpc.keepalive_timeout_ms", 10_000)]
    if credentials is None:
        return grpc.insecure_channel(address, options)
    return grpc.secure_channel(address, credentials, options)


def _metadata(token: str | None) -> list[tuple[str, str]]:
    return [] if token is None else [("authorization", f"Bearer {token}")]
