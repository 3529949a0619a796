"""The figure that decides, on cases whose truth is known, beside the release's own test score.

Both are samples; of a test score over few cases, whose own spread says little, the live cases' spread is taken. A fall is the test score less the live one (turned round where less is better); it is certain when its lower bound, with
the errors of both in it, lies above the margin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special

from seaway.core.batch import Outcomes
from seaway.core.candidate import Score
from seaway.core.metrics import score
from seaway.core.metrics.figure import Figure

_TWO_SIDED_95 = 2 * 1.959963984540054
FEW = 20
"""Test cases below which their own spread says little about the error of their score."""


@dataclass(frozen=True, kw_only=True)
class Fall:
    """How far a live score lies below the test score, its standard error, and the margin it may fall by."""

    live: Score
    test: Score
    fall: float
    error: float
    margin: float

    def is_certain(self, alpha: float) -> bool:
        """Say whether the fall is beyond the margin, wrong with probability `alpha` at most."""
        return bool(self.fall - self.margin > special.ndtri(1 - alpha) * self.error)

    def labels_needed(self, alpha: float) -> int:
        """Return about how many labels would tell a fall of twice the margin, nine times of ten.

        The live error shrinks with the root of the labels; the test score's own does not, so that a small test set may never tell (0).
        """
        test_error = _error_of_test(self.live, self.test)
        room = (self.margin / (special.ndtri(1 - alpha) + special.ndtri(0.9))) ** 2 - test_error**2
        live_error = _error(self.live)
        return math.ceil(self.live.n * live_error**2 / room) if room > 0 else 0


def fall(figure: Figure, outcomes: Outcomes, test: Score, margin: float) -> Fall:
    """Compare a live score with the test score; `margin` is read as `in_units` says."""
    live = score(figure, outcomes)
    sign = 1.0 if figure.greater_is_better else -1.0
    return Fall(
        live=live,
        test=test,
        fall=sign * (test.value - live.value),
        error=math.hypot(_error(live), _error_of_test(live, test)),
        margin=in_units(figure, test.value, margin),
    )


def in_units(figure: Figure, value: float, margin: float) -> float:
    """Return a margin in the figure's own unit: of errors without a bound above a share of `value`, else the margin itself.

    Without a bound are errors in the target's unit, those in per cent, and those over the error of a simple forecast.
    """
    is_share = figure.unit in ("target", "%") or figure.needs_scale
    return margin * abs(value) if is_share else margin


def _error(score: Score) -> float:
    return (score.high - score.low) / _TWO_SIDED_95


def _error_of_test(live: Score, test: Score) -> float:
    own = _error(test)
    if test.n >= FEW or not test.n:
        return own
    return max(own, _error(live) * math.sqrt(live.n / test.n))
