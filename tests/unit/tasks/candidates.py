"""Candidates around given outcomes, with a real constant model inside."""

from __future__ import annotations

from typing import Any

import numpy as np

from seaway.core.batch import Outcomes
from seaway.core.candidate import Candidate, Lineage, Score, Witness
from seaway.engines.additive import constant
from seaway.engines.export import additive_program
from tests.unit.tasks.tables import contract


def candidate(
    problem: str,
    *,
    test: Outcomes | None = None,
    oof: Outcomes | None = None,
    scores: dict[str, Score] | None = None,
    trials: tuple[dict[str, Any], ...] = (),
    figures: dict[str, Any] | None = None,
) -> Candidate:
    """Make a candidate."""
    empty = Outcomes.of_rows({"probabilities": np.zeros((0, 2)), "value": np.zeros(0)}, np.zeros(0))
    return Candidate(
        contract=contract(problem),
        members=[(additive_program(constant([0.0], 7)), 1.0)],
        blend="margin",
        finish=None,
        witness=Witness(queries=[], answers={}, real=np.zeros(0, dtype=np.int64), real_answers={}),
        oof=oof or empty,
        test=test or empty,
        scores=scores or {},
        trials=trials,
        lineage=Lineage(fingerprint="", split={}, settings={}, seed=0, trials=(), packages={}, git={}),
        profile=b"{}",
        figures={
            "metric": "roc_auc" if problem == "binary" else "log_loss" if problem == "multiclass" else "rmse",
            "importance": {},
            "members": [],
            "finish": "identity",
            "stopped": "3 trials are done",
            "searched_rows": 100,
            "training_rows": 100,
            "limited_rows": False,
            **(figures or {}),
        },
    )
