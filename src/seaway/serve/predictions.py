"""Predictions as callers read them, turned back into the arrays they were made of: the inverse of the encoder's `render`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from seaway.core.batch import Array, Json
from seaway.core.contract import Contract, Output


def arrays(predictions: Sequence[Mapping[str, Json]], contract: Contract) -> dict[str, Array]:
    """Return answers (cases, ...) by output name; steps that were not asked for are NaN up to the contract's horizon."""
    steps = contract.series.horizon if contract.series else 0
    return {
        output.name: np.array(
            [_values(prediction[output.name], output, steps) for prediction in predictions],
            dtype=np.int64 if output.kind == "code" else np.float64,
        )
        for output in contract.outputs
        if output.kind != "document"
    }


def _values(value: Json, output: Output, steps: int) -> Array:
    """Return one case's values by the output's axes; JSON shows labels before steps, arrays have steps first."""
    plain = np.array(_plain(value, output))
    axes = list(output.axes)
    if axes[:1] != ["step"]:
        return plain
    if isinstance(value, dict):
        plain = plain.T
    missing = [(0, max(0, steps - len(plain)))] + [(0, 0)] * (plain.ndim - 1)
    return np.pad(plain, missing, constant_values=np.nan) if missing[0][1] else plain


def _plain(value: Json, output: Output) -> Json:
    if isinstance(value, dict):
        return [_plain(value[label], output) for label in output.labels]
    if isinstance(value, list):
        return [_plain(inner, output) for inner in value]
    return output.labels.index(value) if output.kind == "code" and output.labels else value
