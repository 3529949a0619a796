"""The alarm budget: how often monitoring may cry wolf, and who may use how much of it.

`monitor.false_discovery` is the share of clean windows in which anything at all may be reported. It is divided once, below, over families
that share a window, and holds however often one looks, because
- drift is judged once per window, when it is full, and windows do not overlap;
- shares against a limit (refusals, errors, latency, missing, unexpected values) are judged by evidence that is valid at every moment of a
  window (`sequential`), so that a window still filling may be looked at as well;
- performance is judged once per so many new labels.
"""

from __future__ import annotations

DRIFT = 0.4
SHARES = 0.2
PERFORMANCE = 0.2
TRUTH = 0.1
SOURCES = 0.1


def part(rate: float, share: float, tests: int = 1) -> float:
    """Return what one of `tests` tests of a family may use (Bonferroni within a family that is not adjusted together)."""
    return rate * share / max(tests, 1)
