"""The forecasts to beat, as models."""

from __future__ import annotations

import numpy as np
import pytest

from seaway.core.contract import Column
from seaway.core.protocols import Fitted, Model
from seaway.engines.series.engine import SeriesEngine
from seaway.tasks.forecast.models import models
from tests.unit.engines.series_made import NAN, batch, contract, told, waves

BASELINES = ("naive", "seasonal-naive", "drift")


def fitted(name: str) -> Fitted:
    """Fit a baseline."""
    model: Model = {model.name: model for model in models(contract())}[name]
    train = told(waves(2, 40))
    assert model.space(train) == {}
    return model.fit(train, None, contract=contract(), params={}, seed=1, until=0.0)


def test_baselines_come_first() -> None:
    assert [model.name for model in models(contract())] == [*BASELINES, "lightgbm"]


def test_a_series_without_a_season_has_no_seasonal_baseline() -> None:
    assert [model.name for model in models(contract(season=1))] == ["naive", "drift", "lightgbm"]


@pytest.mark.parametrize("model", models(contract()), ids=lambda model: model.name)
def test_other_problems_are_declined_with_the_next_step(model: Model) -> None:
    import msgspec

    table = msgspec.structs.replace(contract(), per="row", series=None)
    classes = msgspec.structs.replace(
        contract(), columns=(Column(name="y", kind="category", role="target", categories=("a", "b")),)
    )
    for other in (table, classes):
        verdict = model.supports(other)
        assert (verdict.outcome, bool(verdict.fix)) == ("fail", True)


def test_locations_are_the_methods() -> None:
    one = batch([[1.0, 2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6, 7, NAN], [5.0, NAN, 7.0]], [3, 1])
    found = {name: fitted(name).predict(one)["margin"][..., 0] for name in BASELINES}
    assert found["naive"][0, :3].tolist() == [7.0] * 3
    assert found["seasonal-naive"][0, :3].tolist() == [2.0, 3.0, 4.0]
    assert found["drift"][0, :3] == pytest.approx([7 + 2 * 0.5, 7 + 3 * 0.5, 7 + 4 * 0.5])
    assert [found[name][1, 0] for name in BASELINES] == [7.0, 7.0, 8.0]
    assert all(np.isnan(values[1, 1:]).all() for values in found.values())


def test_only_the_newest_rows_that_a_server_is_handed_are_looked_at() -> None:
    long = waves(1, 90)
    for name in BASELINES:
        model = fitted(name)
        whole, trimmed = (model.predict(batch([rows], [5]))["margin"] for rows in (long[0], long[0][-28:]))
        assert whole.tobytes() == trimmed.tobytes()


@pytest.mark.parametrize("name", BASELINES)
def test_programs_repeat_the_models_bit_by_bit(name: str) -> None:
    model = fitted(name)
    one = batch([*waves(4, 40, gaps=0.3), [3.0], [2.0] * 9, [1e300, -1e300, 2e300]], [5, 3, 1, 0, 5, 5, 2])
    answers = SeriesEngine().load(model.export(), contract()).run(one)
    assert answers["margin"].tobytes() == model.predict(one)["margin"].tobytes()
    assert model.edges() == {}
    assert model.importance().tolist() == []
