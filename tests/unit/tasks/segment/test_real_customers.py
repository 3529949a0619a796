"""Customers of a real shop fall into the same segments whichever of them are learnt from."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
from sklearn.metrics import adjusted_rand_score

from seaway.core import chance
from seaway.core.answer import encoder_of
from seaway.core.batch import Array, Batch, Sample
from seaway.data import infer, read
from seaway.data.validate import validate
from seaway.engines import clusters as engine
from seaway.tasks.segment.kmeans import KMeans
from seaway.tasks.segment.recipes.customer_behaviour import CustomerBehaviour
from seaway.tasks.segment.task import Segment


def test_real_segments_are_found_again_in_bootstraps(shared_data: Callable[[str], Path]) -> None:
    recipe, lines = CustomerBehaviour(), read.table(shared_data("retail/online_retail_france.csv"))
    rows = recipe.prepare(lines, recipe.settings(lines))
    contract = Segment().shape(msgspec.structs.replace(infer.draft(rows)[0], task="segment"), rows, {})
    batch = encoder_of(contract).batch(validate(rows, contract).whole)

    def segments(part: Batch, seed: int) -> Array:
        fitted = KMeans().fit(
            Sample(batch=part, case=np.arange(part.cases)),
            None,
            contract=contract,
            params={"segments": 2},
            seed=seed,
            until=math.inf,
        )
        return engine.answers(fitted.predict(batch)["margin"])["segment"]

    whole, generator = segments(batch, 0), chance.rng("bootstraps")
    draws = [generator.integers(0, batch.cases, batch.cases) for _ in range(20)]
    agreement = [adjusted_rand_score(whole, segments(batch.take(drawn), seed)) for seed, drawn in enumerate(draws)]
    assert np.mean(agreement) > 0.85
    assert np.array_equal(whole, segments(batch, 0))
