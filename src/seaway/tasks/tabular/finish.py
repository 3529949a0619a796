"""From blended margins to the answer: calibration fitted on out-of-fold margins, kept only where it pays.

m (n, T) margins, y (n,) truth, w (n,) weights. A candidate calibration must lower the log loss on rows it was not fitted
on (cross-fitting) by more than the standard error of that difference; otherwise the plain link stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy.optimize import minimize

from seaway.core.batch import Array, Outcomes
from seaway.core.candidate import Program
from seaway.core.chance import rng
from seaway.core.contract import Contract
from seaway.engines import finish as engine
from seaway.engines.finish import Binary, Multiclass, Value
from seaway.tasks.tabular.start import problem, targets

PARTS = 5
FEWEST = 50
"""Rows below which a calibration curve is guesswork."""

Fit = Callable[[Array, Array, Array], engine.Finish]


class Finished:
    """The last step as plain values; `name` says which: identity, sigmoid, softmax, temperature or vector."""

    def __init__(self, name: str, value: engine.Finish) -> None:
        self.name = name
        self.value = value

    def apply(self, raw: Mapping[str, Array]) -> Mapping[str, Array]:
        """Return margin, probabilities and label, or margin and value."""
        return engine.answers(self.value, raw["margin"])

    def export(self) -> Program:
        """Return the same step as a program."""
        from seaway.engines.export import finish_program

        return finish_program(self.value)


def fit(oof: Outcomes, contract: Contract, *, calibrate: bool) -> Finished:
    """Return the finish that does best on out-of-fold margins."""
    plain = _plain(contract)
    kinds = _kinds(contract)
    if not (calibrate and kinds and oof.truth is not None and "margin" in oof.answer):
        return plain
    known = ~np.isnan(oof.truth)
    m, y = oof.answer["margin"][known], oof.truth[known].astype(np.int64)
    w = np.ones(len(y)) if oof.weight is None else oof.weight[known]
    if len(y) < FEWEST or len(np.unique(y)) < len(contract.classes):
        return plain
    losses = {"": _losses(plain.value, m, y)} | {name: _crossfitted(kind, m, y, w) for name, kind in kinds.items()}
    best = min(losses, key=lambda name: np.average(losses[name], weights=w))
    if not best or not _is_lower(losses[best], losses[""], w):
        return plain
    return Finished(best, kinds[best](m, y, w))


def platt(m: Array, y: Array, w: Array) -> Binary:
    """Fit p = sigmoid(slope * m + shift) by maximum likelihood, targets pulled in by one prior row (Platt 1999)."""
    positive, negative = (w * (y == 1)).sum(), (w * (y == 0)).sum()
    target = np.where(y == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
    z, share = m[:, 0], w / w.sum()

    def loss(theta: Array) -> tuple[float, Array]:
        margin = theta[0] * z + theta[1]
        gap = share * (engine.sigmoid(margin) - target)
        value = share @ (np.logaddexp(0.0, margin) - target * margin)
        return float(value), np.array([gap @ z, gap.sum()])

    slope, shift = minimize(
        loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(1e-3, None), (None, None)]
    ).x
    return Binary(slope=float(slope), shift=float(shift))


def temperature(m: Array, y: Array, w: Array) -> Multiclass:
    """Fit one slope for all classes by maximum likelihood (Guo et al. 2017)."""
    found = _scaled(m, y, w, lambda theta: (np.repeat(theta[:1], m.shape[1]), np.zeros(m.shape[1])), np.ones(1))
    return Multiclass(slope=(float(found[0]),) * m.shape[1], shift=(0.0,) * m.shape[1])


def vector(m: Array, y: Array, w: Array) -> Multiclass:
    """Fit a slope and a shift for each class by maximum likelihood (Guo et al. 2017)."""
    count = m.shape[1]
    begin = np.concatenate([np.ones(count), np.zeros(count)])
    found = _scaled(m, y, w, lambda theta: (theta[:count], theta[count:]), begin)
    return Multiclass(slope=tuple(found[:count].tolist()), shift=tuple(found[count:].tolist()))


def _scaled(m: Array, y: Array, w: Array, unpack: Callable[[Array], tuple[Array, Array]], begin: Array) -> Array:
    """Return the parameters that maximise the likelihood of softmax(slope * m + shift)."""
    rows, share, single = np.arange(len(y)), w / w.sum(), len(begin) == 1

    def loss(theta: Array) -> tuple[float, Array]:
        slope, shift = unpack(theta)
        p = engine.softmax(m * slope + shift)
        value = -share @ np.log(np.maximum(p[rows, y], 1e-300))
        p[rows, y] -= 1
        gap = share[:, None] * p
        by_slope, by_shift = (gap * m).sum(axis=0), gap.sum(axis=0)
        return float(value), by_slope.sum()[None] if single else np.concatenate([by_slope, by_shift])

    slopes = 1 if single else m.shape[1]
    bounds = [(1e-3, None)] * slopes + [(None, None)] * (len(begin) - slopes)
    return np.asarray(minimize(loss, begin, jac=True, method="L-BFGS-B", bounds=bounds).x)


def _plain(contract: Contract) -> Finished:
    """Return the link alone."""
    kind = problem(contract)
    if kind == "regression":
        return Finished("identity", Value())
    if kind == "binary":
        return Finished("identity", Binary())
    count = targets(contract)
    return Finished("softmax", Multiclass(slope=(1.0,) * count, shift=(0.0,) * count))


def _kinds(contract: Contract) -> dict[str, Fit]:
    """Return the calibrations to try, simplest first."""
    by_problem: dict[str, dict[str, Fit]] = {
        "binary": {"sigmoid": platt},
        "multiclass": {"temperature": temperature, "vector": vector},
        "regression": {},
    }
    return by_problem[problem(contract)]


def _losses(value: engine.Finish, m: Array, y: Array) -> Array:
    """Return each row's log loss."""
    p = engine.answers(value, m)["probabilities"]
    return -np.log(np.maximum(p[np.arange(len(y)), y], 1e-15))


def _crossfitted(kind: Fit, m: Array, y: Array, w: Array) -> Array:
    """Return each row's log loss under a calibration fitted on other rows."""
    part = rng("calibrate", len(y)).permutation(np.arange(len(y)) % PARTS)
    losses = np.zeros(len(y))
    for here in range(PARTS):
        others, mine = part != here, part == here
        losses[mine] = _losses(kind(m[others], y[others], w[others]), m[mine], y[mine])
    return losses


def _is_lower(losses: Array, plain: Array, w: Array) -> bool:
    """Say whether the mean loss is lower by more than its standard error."""
    gain = plain - losses
    mean = np.average(gain, weights=w)
    error = np.sqrt((w**2 * (gain - mean) ** 2).sum()) / w.sum()
    return bool(mean > error)
