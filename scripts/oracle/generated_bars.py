"""Bars by a linear congruential generator and plain arithmetic, so that Python and TypeScript make the same ones bit for bit.

The other half is libs/indicators/generated-bars.ts; both must change together.
"""


class Uniform:
    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state * 1664525 + 1013904223) % 4294967296
        return self.state / 4294967296


def generated_bars(n, seed=1, start=100.0, width=0.01, quiet=0.0, gap_every=0, jump_every=0):
    """Lists open, high, low, close, volume. quiet: share of bars without a trade; gap: opens 3 % off; jump: times or over 10."""
    uniform, close, bars = Uniform(seed), start, []
    for i in range(n):
        before = close
        if uniform.next() < quiet or width == 0:
            bars.append((before, before, before, before, 0.0))
            continue
        if gap_every and i % gap_every == gap_every - 1:
            before = before * (1.03 if uniform.next() < 0.5 else 0.97)
        if jump_every and i % jump_every == jump_every - 1:
            before = before * 10 if i // jump_every % 2 == 0 else before / 10
        close = before * (1 + (uniform.next() - 0.5) * width)
        high = max(before, close) * (1 + uniform.next() * width / 4)
        low = min(before, close) * (1 - uniform.next() * width / 4)
        bars.append((before, high, low, close, uniform.next() * 10))
    return bars


CASES = {
    'walk': dict(n=400),
    'flat': dict(n=120, width=0),
    'quiet': dict(n=400, seed=2, quiet=0.6),
    'gaps': dict(n=400, seed=3, gap_every=37),
    'jumps': dict(n=400, seed=4, jump_every=50),
    'tiny': dict(n=400, seed=5, start=1e-8),
    'large': dict(n=400, seed=6, start=1e6, width=1e-5),
}
