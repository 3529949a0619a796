"""A LightGBM model answers alike in its own library, in numpy, and as a graph in onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seaway.core.batch import Array, Batch
from seaway.core.contract import Column, Contract, Output
from seaway.engines.compose import compose
from seaway.engines.explain import ForestPart, decode
from seaway.engines.export import finish_program, forest_program
from seaway.engines.finish import Binary, Finish, Multiclass, Value, answers
from seaway.engines.forest import joinable, joined, predict, scaled
from seaway.engines.onnx import OnnxEngine
from seaway.engines.readers.lightgbm import read
from tests.unit.engines.boosters import Trained, hard_rows, raw, trained

CLASSES = {"binary": ("no", "yes"), "multiclass": ("a", "b", "c")}


def contract_of(model: Trained) -> Contract:
    columns = tuple(Column(name=f"f{place}", kind="number") for place in range(model.x.shape[1]))
    if model.kind == "regression":
        outputs: tuple[Output, ...] = (Output(name="value", kind="number"),)
    else:
        labels = CLASSES[model.kind]
        outputs = (
            Output(name="label", kind="code", labels=labels),
            Output(name="probabilities", kind="number", axes=("class",), labels=labels),
        )
    return Contract(task="tabular", per="row", columns=columns, outputs=outputs)


def finish_of(kind: str) -> Finish:
    if kind == "binary":
        return Binary(slope=1.3, shift=-0.2, threshold=0.4)
    return Multiclass(slope=(0.7,) * 3, shift=(0.1, 0.0, -0.1)) if kind == "multiclass" else Value()


def undecided(finish: Finish, p: Array) -> Array:
    """Say which rows lie within rounding of the decision."""
    if isinstance(finish, Binary):
        return np.asarray(np.abs(p[:, 1] - finish.threshold) < 1e-12)
    ranked = np.sort(p, axis=1)
    return np.asarray(ranked[:, -1] - ranked[:, -2] < 1e-12)


def off(ours: Array, theirs: Array) -> float:
    return float((np.abs(ours - theirs) / np.maximum(1.0, np.abs(theirs))).max(initial=0.0))


@settings(max_examples=40)
@given(seed=st.integers(0, 2**31))
def test_booster_numpy_and_graph_agree(seed: int) -> None:
    model = trained(seed)
    forest = read(model.booster)
    x = hard_rows(model, forest, seed)
    native = raw(model, x)
    assert np.array_equal(predict(forest, x), native)  # same routing, same order of sums: equal to the last bit

    finish = finish_of(model.kind)
    program = compose([(forest_program(forest), 1.0)], finish_program(finish))
    found = OnnxEngine().load(program, contract_of(model)).run(Batch.of_rows(x))
    for name, expected in answers(finish, native).items():
        assert found[name].dtype == expected.dtype
        if name != "label":
            assert off(found[name], expected) <= 1e-12, name
    if "label" in found:
        changed = found["label"] != answers(finish, native)["label"]
        assert not (changed & ~undecided(finish, found["probabilities"])).any()


@settings(max_examples=15)
@given(seed=st.integers(0, 2**31))
def test_bagged_boosters_become_one_node(seed: int) -> None:
    models = [trained(seed, kind="regression"), trained(seed, kind="regression", num_leaves=4, seed=seed % 1000)]
    forests = [read(model.booster) for model in models]
    whole = compose([(forest_program(one), weight) for one, weight in zip(forests, (0.25, 0.75), strict=True)])
    x = hard_rows(models[0], forests[0], seed)
    expected = 0.25 * raw(models[0], x) + 0.75 * raw(models[1], x)
    contract = contract_of(models[0])
    margin = Contract(
        task="tabular",
        per="row",
        columns=contract.columns,
        outputs=(Output(name="margin", kind="number", axes=("rank",)),),
    )
    assert off(OnnxEngine().load(whole, margin).run(Batch.of_rows(x))["margin"], expected) <= 1e-12
    parts = [part for part in decode(whole.files["explain.json"]).parts if isinstance(part, ForestPart)]
    plain = not any(forest.zeros for forest in forests)
    assert len(parts) == (1 if plain else 2)
    if joinable(forests):
        together = joined([scaled(forests[0], 0.25), scaled(forests[1], 0.75)])
        assert off(predict(together, x), expected) <= 1e-12


@pytest.mark.parametrize("seed", range(3))
def test_equal_models_have_equal_bytes(seed: int) -> None:
    forest = read(trained(seed).booster)
    assert dict(forest_program(forest).files) == dict(forest_program(read(trained(seed).booster)).files)
