"""From margins to the answer: calibration, link and decision, as plain values that numpy and the graph both run.

`margin` in the answer is the calibrated one: its sigmoid or softmax is `probabilities`, its link is `value`, and an
explanation adds up to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from seaway.core.batch import Array


@dataclass(frozen=True, kw_only=True)
class Binary:
    """p = sigmoid(slope * margin + shift), label 1 where p >= threshold. Source of slope and shift: Platt 1999."""

    slope: float = 1.0
    shift: float = 0.0
    threshold: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Multiclass:
    """p = softmax(slope * margin + shift) by class, label the largest.

    One equal slope for all classes and no shift is temperature scaling, anything else vector scaling (Guo et al. 2017).
    """

    slope: tuple[float, ...]
    shift: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Value:
    """value = link(slope * margin + shift)."""

    link: Literal["identity", "exp"] = "identity"
    slope: float = 1.0
    shift: float = 0.0


Finish = Binary | Multiclass | Value


def affine(finish: Finish) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return slope and shift, one entry per target."""
    if isinstance(finish, Multiclass):
        return finish.slope, finish.shift
    return (finish.slope,), (finish.shift,)


def answers(finish: Finish, margin: Array) -> Mapping[str, Array]:
    """Return the outputs by name for margins (rows, targets); the graph gives the same."""
    slope, shift = affine(finish)
    margin = margin * np.array(slope) + np.array(shift)
    if isinstance(finish, Value):
        value = np.exp(margin) if finish.link == "exp" else margin
        return {"margin": margin, "value": value[:, 0]}
    if isinstance(finish, Binary):
        p = sigmoid(margin)
        label = (p[:, 0] >= finish.threshold).astype(np.int64)
        return {"margin": margin, "probabilities": np.hstack([1.0 - p, p]), "label": label}
    p = softmax(margin)
    return {"margin": margin, "probabilities": p, "label": p.argmax(axis=1).astype(np.int64)}


def sigmoid(z: Array) -> Array:
    """Return 1 / (1 + exp(-z)) without overflow."""
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, small) / (1.0 + small)


def softmax(z: Array) -> Array:
    """Return exp(z) over its sum along the last axis, without overflow."""
    parts = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(parts / parts.sum(axis=-1, keepdims=True))
