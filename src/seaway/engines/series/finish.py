"""The last step of a forecast: location and spread by step become the mean and its quantiles, in training and serving alike."""

from __future__ import annotations

import msgspec
import numpy as np

from seaway.core import canonical
from seaway.core.batch import Array
from seaway.core.candidate import Program
from seaway.core.contract import LEVELS
from seaway.core.errors import Untrusted

FILE = "finish.json"
ENGINE = "series"


class Finish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """quantile = location + spread * `offsets` [step, level], then held inside `low` and `high` where they are set.

    `offsets` (steps, levels) never fall from level to level, so no quantile lies above the next one.
    """

    format: int
    offsets: tuple[tuple[float, ...], ...]
    low: float | None = None
    high: float | None = None


def answers(finish: Finish, margin: Array) -> dict[str, Array]:
    """Return mean (cases, steps), quantiles (cases, steps, levels) and the margin (cases, steps, 2) they were made of.

    A step that was not asked for is NaN in the margin and stays NaN.
    """
    location, spread = margin[..., 0], margin[..., 1]
    offsets = np.array(finish.offsets)[: location.shape[1]]
    quantiles = location[..., None] + spread[..., None] * offsets
    low = -np.inf if finish.low is None else finish.low
    high = np.inf if finish.high is None else finish.high
    return {
        "margin": margin,
        "mean": np.clip(location, low, high),
        "quantiles": np.clip(quantiles, low, high),
    }


def program(finish: Finish) -> Program:
    """Return the step as a program of its own; the composer puts it behind the members."""
    return Program(engine=ENGINE, files={FILE: canonical.encode(finish)})


def decoded(data: bytes, horizon: int) -> Finish:
    """Read the step, and raise `Untrusted` unless it answers `horizon` steps with quantiles in order."""
    return held(canonical.decode(data, Finish, where=FILE), horizon)


def held(finish: Finish, horizon: int) -> Finish:
    """Return the step, or raise `Untrusted` unless it answers `horizon` steps with quantiles in order."""
    if finish.format != 1:
        raise _untrusted(f"has format {finish.format}, this version reads 1")
    if len(finish.offsets) != horizon or any(len(step) != len(LEVELS) for step in finish.offsets):
        raise _untrusted(f"does not hold {len(LEVELS)} levels for each of {horizon} steps")
    offsets = np.array(finish.offsets, dtype=np.float64).reshape(horizon, len(LEVELS))
    if not np.isfinite(offsets).all() or (np.diff(offsets, axis=1) < 0).any():
        raise _untrusted("holds quantiles that are not in order")
    if finish.low is not None and finish.high is not None and finish.low > finish.high:
        raise _untrusted("holds limits that are not in order")
    return finish


def _untrusted(what: str) -> Untrusted:
    return Untrusted(f"The last step of the forecast {what}", where=FILE, fix="Release the run again.")
