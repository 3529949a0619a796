"""Where margins start: what is known before any feature is looked at.

Margins (rows, T): log-odds of class 1 for two classes (T = 1), unnormalised log-probabilities for more (T = classes),
the value for numbers (T = 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from seaway.core.batch import Array, Sample, join
from seaway.core.contract import Contract
from seaway.core.errors import BadInput
from seaway.core.verdict import Verdict

Problem = Literal["binary", "multiclass", "regression"]


@dataclass(frozen=True, kw_only=True)
class Start:
    """The margin (T,) of a row about which nothing is known, and the unit in which numbers are learnt.

    `classes` marks which of the classes have rows: a fold may lack one.
    """

    margin: Array
    scale: float
    classes: Array


def problem(contract: Contract) -> Problem:
    """Return what kind of question the contract asks."""
    if not contract.classes:
        return "regression"
    return "binary" if len(contract.classes) == 2 else "multiclass"


def targets(contract: Contract) -> int:
    """Return the width T of the margins."""
    return len(contract.classes) if problem(contract) == "multiclass" else 1


def takes(model: str, code: str, contract: Contract) -> Verdict:
    """Say whether there is anything for a learning model to learn from."""
    if contract.encoded:
        return Verdict(
            code=code, outcome="pass", subject=model, message=f"{len(contract.encoded)} columns to learn from"
        )
    return Verdict(
        code=code,
        outcome="fail",
        subject=model,
        message="No column is fed to the model",
        fix="Give the contract at least one feature.",
    )


def weights(sample: Sample) -> Array:
    """Return the rows' weights, scaled to a mean of one."""
    if sample.weight is None:
        return np.ones(sample.batch.rows)
    if not sample.weight.sum() > 0 or sample.weight.min() < 0:
        raise BadInput(
            "The weights are negative, or all of them are zero",
            where="the column with the role `weight`",
            fix="Give each row a weight of zero or more, and some of them more than zero.",
            code="weights",
        )
    return np.asarray(sample.weight / sample.weight.mean())


def truth(sample: Sample) -> Array:
    """Return the truth of rows to learn from."""
    if sample.truth is None:
        raise TypeError("a sample to learn from has truth")
    return sample.truth


def together(train: Sample, valid: Sample | None) -> Sample:
    """Return both samples as one: whoever does not stop early has no need to keep rows back."""
    if valid is None:
        return train
    weighted = [part.weight for part in (train, valid) if part.weight is not None]
    return Sample(
        batch=join([train.batch, valid.batch]),
        case=np.concatenate([train.case, valid.case]),
        truth=np.concatenate([truth(train), truth(valid)]),
        weight=np.concatenate(weighted) if len(weighted) == 2 else None,
    )


def start(sample: Sample, contract: Contract) -> Start:
    """Return the start of a sample's margins.

    Class shares are smoothed by half a row each (Krichevsky & Trofimov 1981): a class that a fold lacks stays possible.
    """
    y, w = truth(sample), weights(sample)
    if problem(contract) == "regression":
        mean = np.average(y, weights=w)
        spread = float(np.sqrt(np.average((y - mean) ** 2, weights=w)))
        # A spread that is only rounding noise is none: dividing by it would blow the noise up.
        scale = spread if spread > 1e-12 * max(1.0, abs(float(mean))) else 1.0
        return Start(margin=np.array([mean]), scale=scale, classes=np.zeros(0, dtype=bool))
    counts = np.bincount(y.astype(np.int64), weights=w, minlength=len(contract.classes))
    logs = np.log((counts + 0.5) / (counts.sum() + 0.5 * len(counts)))
    margin = logs[1:] - logs[:1] if len(counts) == 2 else logs
    return Start(margin=margin, scale=1.0, classes=counts > 0)
