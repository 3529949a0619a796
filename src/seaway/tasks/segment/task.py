"""The task of segments: rows in, groups out, and nobody says beforehand which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from seaway.core.batch import Array, Json, Outcomes
from seaway.core.candidate import Candidate
from seaway.core.chance import rng
from seaway.core.contract import Contract
from seaway.core.dataset import Dataset
from seaway.core.errors import BadInput
from seaway.core.protocols import Check, Drawing, Finish, Fitted, Model, Rows
from seaway.tasks.segment.fitted import Grouped
from seaway.tasks.segment.shape import shaped

KNOWN = 0.8
"""Share of the rows that each fold learns from."""

ASKED = 2_000
"""Rows that every fold is asked about, at most."""


class Segment:
    """Implements `core.protocols.Task`."""

    name = "segment"
    blends = False
    samples = True

    def shape(self, draft: Contract, rows: Rows, settings: Mapping[str, Json]) -> Contract:
        """Return the draft with the outputs of a segmentation; raises `BadInput` for a target or too few rows."""
        return shaped(draft, rows)

    def folds(self, data: Dataset, count: int, seed: int) -> Sequence[tuple[Array, Array]]:
        """Return `count` random parts of the training rows to learn from, each asked about the same rows.

        There is no truth, so nothing can leak; what the folds tell differently about one row is how unstable they are.
        """
        rows = data.split.train
        if count < 2:
            raise BadInput(
                f"{count} folds cannot tell whether segments are found again",
                where="seaway.toml, [split] folds",
                fix="Use 2 or more.",
            )
        asked = np.sort(rng("segment asked", seed).permutation(rows)[:ASKED])
        size = max(1, round(KNOWN * len(rows)))
        draws = [rng("segment known", seed, fold).permutation(rows)[:size] for fold in range(count)]
        return [(np.sort(known), asked) for known in draws]

    def metrics(self, contract: Contract) -> Sequence[str]:
        """Return the metrics' names: segments have to lie apart and to be found again."""
        return ("stable_silhouette", "silhouette", "stability")

    def models(self, contract: Contract, preset: str) -> Sequence[Model]:
        """Return the kinds of models, baselines first."""
        from seaway.tasks.segment.models import models  # scikit-learn is for training only

        return models(contract)

    def finish(self, oof: Outcomes, contract: Contract, settings: Mapping[str, Json]) -> Finish:
        """Return the step that picks the segment."""
        from seaway.tasks.segment.finish import fit

        return fit(oof)

    def settle(self, contract: Contract, members: Sequence[Fitted]) -> Contract:
        """Name the segments by size, and say what sets each apart."""
        from seaway.tasks.segment.words import labels, notes

        found = next((member for member in members if isinstance(member, Grouped)), None)
        if found is None:
            raise TypeError("segments are settled by a model of this task, which draws their portraits")
        names, told = labels(found.portrait.segments), notes(found.portrait, contract)
        segment, distances, outlier = contract.outputs
        outputs = (
            msgspec.structs.replace(segment, labels=names, notes=told),
            msgspec.structs.replace(distances, labels=names),
            outlier,
        )
        return msgspec.structs.replace(contract, outputs=outputs)

    def checks(self, stage: str) -> Sequence[Check]:
        """Return the checks of a stage."""
        from seaway.tasks.segment.checks import CHECKS

        return CHECKS.get(stage, ())

    def figures(self, candidate: Candidate) -> Sequence[Drawing]:
        """Draw what a person would look at to judge the segments."""
        from seaway.tasks.segment.figures import figures

        return figures(candidate)
