"""Shares against a limit, at any moment: evidence that stays valid however often one looks.

k failures of n, limit p0. Under a share of at most p0 the mixture likelihood ratio
    E = 1 / (1 - p0) * integral from p0 to 1 of (p / p0)^k ((1 - p) / (1 - p0))^(n - k) dp
is a supermartingale that starts at 1, so that it ever reaches 1 / alpha has probability alpha at most (Ville 1939; Robbins 1970).
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special


def evidence(failures: int, count: int, limit: float) -> float:
    """Return log E for a share above `limit` (0 < limit < 1) after `count` trials with `failures`."""
    a, b = failures + 1, count - failures + 1
    above = special.betaincc(a, b, limit)
    if above <= 0.0:  # underflow: all but no weight lies above the limit, so there is no evidence at all
        return -math.inf
    log_integral = special.betaln(a, b) + math.log(above)
    likelihood = failures * math.log(limit) + (count - failures) * math.log1p(-limit)
    return float(log_integral - math.log1p(-limit) - likelihood)


def exceeds(failures: int, count: int, limit: float, alpha: float) -> bool:
    """Say whether the share is above `limit`, wrong with probability `alpha` at most over all looks at one growing sample."""
    return count > 0 and evidence(failures, count, limit) >= -math.log(alpha)


def cases_needed(share: float, limit: float, alpha: float) -> int:
    """Return after about how many trials a true `share` above the limit is found."""
    count = 1
    while count < 1 << 24 and not exceeds(round(share * count), count, limit, alpha):
        count *= 2
    return count


def wilson(successes: float, count: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927)."""
    if not count:
        return 0.0, 1.0
    share = successes / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * float(np.sqrt(share * (1 - share) / count + z * z / (4 * count * count)))
    return max(0.0, middle - half), min(1.0, middle + half)
