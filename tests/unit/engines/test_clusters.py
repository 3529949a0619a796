from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seaway.core.batch import Batch
from seaway.core.contract import Output
from seaway.core.errors import InexactExport
from seaway.core.verdict import Verdict
from seaway.engines import clusters as engine
from seaway.engines.clusters import Clusters, Cores
from seaway.engines.clusters_graph import assignment_program, clusters_program
from seaway.engines.compose import compose
from tests.unit.engines.clusterings import FEATURES, RULES, clusters, rows, space
from tests.unit.engines.runs import load, margin_of


def outputs(labels: tuple[str, ...]) -> tuple[Output, ...]:
    return (
        Output(name="segment", kind="code", labels=labels),
        Output(name="distances", kind="number", axes=("class",), labels=labels),
        Output(name="outlier", kind="number"),
    )


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=15)
@given(segments=st.integers(1, 12), seed=st.integers(0, 10_000))
def test_the_graph_answers_as_numpy_does(rule: str, segments: int, seed: int) -> None:
    model, x = clusters(rule, segments, seed=seed), rows(40, seed)
    expected = engine.predict(model, x)
    found = margin_of(clusters_program(model), Batch.of_rows(x))
    assert found.shape == (40, 3 * segments)
    scores = slice(0, segments)  # differences of large squares: as exact as the terms are
    assert np.allclose(found[:, segments:], expected[:, segments:], rtol=1e-12, atol=1e-12)
    assert np.allclose(found[:, scores], expected[:, scores], rtol=1e-6 if rule == "cores" else 1e-9, atol=1e-6)


@pytest.mark.parametrize("rule", RULES)
def test_member_and_finish_compose_to_one_graph(rule: str) -> None:
    model, x = clusters(rule, 4), rows(200)
    program = compose([(clusters_program(model), 1.0)], assignment_program(4))
    runner = load(program, FEATURES, *outputs(("1", "2", "3", "4")))
    found, expected = runner.run(Batch.of_rows(x)), engine.answers(engine.predict(model, x))
    assert set(found) == {"segment", "distances", "outlier"}
    assert found["segment"].dtype == np.int64
    assert np.array_equal(found["segment"], expected["segment"])
    for name in ("distances", "outlier"):
        assert np.allclose(found[name], expected[name], rtol=1e-12, atol=1e-12), name
    refusal = runner.reasons(Batch.of_rows(x))
    assert isinstance(refusal, Verdict)
    assert (refusal.code, refusal.outcome) == ("E001", "not-applicable")


@pytest.mark.parametrize("part", ["numbers", "codes"])
def test_numbers_alone_and_categories_alone_are_spaces(part: str) -> None:
    model, x = clusters("nearest", of=space(**{part: False})), rows(30)
    found = margin_of(clusters_program(model), Batch.of_rows(x))
    assert np.allclose(found, engine.predict(model, x), rtol=1e-12, atol=1e-12)


def test_a_point_is_what_its_row_says() -> None:
    x = np.zeros((3, FEATURES), dtype=np.float32)
    x[0] = [1.1, 2, 4.0, 9, 28.0, 0]
    x[1] = [np.nan, 6, -4.0, 9, np.nan, 3]
    x[2] = [0.1, 1, 0.0, 9, -2.0, 2]
    found = engine.points(space(), x)
    logged = np.log(1 + 4 / 2)
    assert np.allclose(found[0], [1.0, (logged - 1.0) / 0.5, 1.0, 0.0, 0.7, 0.7])
    # A missing number is the fill, an unseen code is other, and what is as far below zero is as far on the other side.
    assert np.allclose(found[1], [0.4, (-logged - 1.0) / 0.5, 1 / 30, 0.7, 0.0, 0.0])
    assert np.allclose(found[2], [0.0, -2.0, 0.0, 0.7, 0.0, 0.7])


def test_the_answer_is_the_greatest_score_its_distances_and_its_own_ratio() -> None:
    margin = np.array([[-1.0, -4.0, 1.0, 2.0, 0.5, 4.0], [-9.0, -4.0, 3.0, 2.0, 1.5, 4.0]])
    found = engine.answers(margin)
    assert found["segment"].tolist() == [0, 1]
    assert found["distances"].tolist() == [[1.0, 2.0], [3.0, 2.0]]
    assert found["outlier"].tolist() == [0.5, 4.0]


@pytest.mark.parametrize("rule", RULES)
def test_segments_in_another_order_are_the_same_segments(rule: str) -> None:
    model, x, order = clusters(rule, 4), rows(50), np.array([2, 0, 3, 1])
    before = np.split(engine.predict(model, x), 3, axis=1)
    after = np.split(engine.predict(engine.ordered(model, order), x), 3, axis=1)
    for old, new in zip(before, after, strict=True):
        assert np.array_equal(old[:, order], new)


def test_scores_of_cores_are_distances_to_the_nearest_one() -> None:
    model = clusters("cores", 3)
    assert isinstance(model.rule, Cores)
    z = np.random.default_rng(3).normal(size=(5000, model.space.width))  # more than one block
    gaps = engine.squared(z, model.rule.points)
    nearest = np.stack([gaps[:, model.rule.segment == k].min(axis=1) for k in range(3)], axis=1)
    assert np.allclose(engine.scores(model, z), -nearest, rtol=1e-6)


def broken(**changes: object) -> Clusters:
    return replace(clusters("nearest"), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: broken(centers=np.full((3, 6), np.nan)), "centers has the wrong shape"),
        (lambda: broken(spread=np.zeros(3)), "a spread is not above zero"),
        (lambda: broken(rule=Cores(points=np.zeros((2, 6)), segment=np.array([0, 1]))), "a segment has no core"),
        (lambda: replace(space(), scale=np.array([1.0, 0.0, 1.0])), "a scale is not above zero"),
        (lambda: replace(space(), fill=np.array([1.0, np.inf, 1.0])), "fill is not one finite number"),
        (lambda: replace(space(), codes=np.array([0, 5])), "a feature is used twice"),
        (lambda: replace(space(), tables=(np.zeros((1, 1)), np.zeros((3, 1)))), "lacks the places for missing"),
        (lambda: space(numbers=False, codes=False), "is not there"),
    ],
)
def test_what_does_not_fit_together_is_refused(make, reason: str) -> None:
    with pytest.raises(InexactExport, match=reason):
        make()
