"""The figure that decides, on cases whose truth is known, beside the release's own test score.

Both are samples. A fall is the test score less the live one (turned round where less is better); it is certain when its lower bound, with
the errors of both in it, lies above the margin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special

from seaway.core.batch import Outcomes
from seaway.core.candidate import Score
from seaway.core.metrics import Figure, score

_TWO_SIDED_95 = 2 * 1.959963984540054


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
        test_error = (self.test.high - self.test.low) / _TWO_SIDED_95
        room = (self.margin / (special.ndtri(1 - alpha) + special.ndtri(0.9))) ** 2 - test_error**2
        live_error = (self.live.high - self.live.low) / _TWO_SIDED_95
        return math.ceil(self.live.n * live_error**2 / room) if room > 0 else 0


def fall(figure: Figure, outcomes: Outcomes, test: Score, margin: float) -> Fall:
    """Compare a live score with the test score; the margin is a share of the test score where the figure has the target's unit."""
    live = score(figure, outcomes)
    sign = 1.0 if figure.greater_is_better else -1.0
    error = math.hypot(live.high - live.low, test.high - test.low) / _TWO_SIDED_95
    return Fall(
        live=live,
        test=test,
        fall=sign * (test.value - live.value),
        error=error,
        margin=in_units(figure, test.value, margin),
    )


def in_units(figure: Figure, value: float, margin: float) -> float:
    """Return a margin in the figure's own unit: a share of `value` for errors in the target's unit, itself otherwise."""
    return margin * abs(value) if figure.unit == "target" else margin
