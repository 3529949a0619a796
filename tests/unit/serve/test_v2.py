from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from seaway.core.errors import BadInput, BrokenContract, Malformed, TooLarge
from seaway.serve import http, v2
from tests import credit
from tests.serving import ROW

KINDS = {"amount": "FP64", "months": "INT64", "purpose": "BYTES", "owner": "BOOL"}


def tensors(rows: list[dict[str, Any]], **changes: Any) -> list[dict[str, Any]]:
    names = dict.fromkeys(name for row in rows for name in row)
    made = [
        {"name": name, "shape": [len(rows)], "datatype": KINDS.get(name, "BYTES"), "data": [row[name] for row in rows]}
        for name in names
    ]
    return [{**one, **changes.get(one["name"], {})} for one in made]


async def infer(desk: Any, inputs: Any, model: str = "credit", version: str = "", **fields: Any) -> Any:
    body = json.dumps({"inputs": inputs, **fields}).encode()
    reply = await v2.infer(desk.handlers, body, model, version, "local")
    return reply.status, json.loads(reply.body)


def test_tensors_answer_exactly_as_rows_do(at_desk: Any) -> None:
    rows = credit.rows(50, seed=6)

    async def script(desk: Any) -> None:
        _, one = await desk.predict(*rows)
        status, two = await infer(desk, tensors(rows), id="call-1")
        assert status == 200
        assert (two["model_name"], two["model_version"], two["id"]) == ("credit", "1", "call-1")
        found = {tensor["name"]: tensor for tensor in two["outputs"]}
        assert found["label"]["data"] == [prediction["label"] for prediction in one["predictions"]]
        assert (found["label"]["datatype"], found["label"]["shape"]) == ("BYTES", [50])
        wanted = [[p["probabilities"]["good"], p["probabilities"]["bad"]] for p in one["predictions"]]
        assert (found["probabilities"]["datatype"], found["probabilities"]["shape"]) == ("FP64", [50, 2])
        assert np.array_equal(np.reshape(found["probabilities"]["data"], (50, 2)), wanted)
        first, second = desk.events()
        assert first.rows == second.rows
        assert first.answers == second.answers
        assert two["parameters"]["request_id"] == second.request_id

    at_desk(script)


def test_a_repeat_over_v2_is_the_same_answer(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        first = await infer(desk, tensors([{**ROW, "purpose": "boat"}]), id="again")
        assert await infer(desk, tensors([ROW]), id="again") == first
        assert json.loads(first[1]["parameters"]["flags"]) == [{"row": 0, "column": "purpose", "rule": "unseen"}]

    at_desk(script)


def test_wanted_outputs_column_vectors_and_number_types(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        inputs = tensors(
            [ROW],
            amount={"shape": [1, 1], "data": [[3000.0]], "datatype": "FP32"},
            months={"datatype": "FP64", "data": [24.0]},
        )
        status, told = await infer(desk, inputs, outputs=[{"name": "label"}])
        assert status == 200
        assert [tensor["name"] for tensor in told["outputs"]] == ["label"]
        with pytest.raises(BadInput, match="no output 'margin'"):
            await infer(desk, inputs, outputs=[{"name": "margin"}])

    at_desk(script)


def test_null_is_missing_and_a_left_out_tensor_is_absent(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        _, one = await desk.predict({**ROW, "amount": None})
        _, two = await desk.predict({name: value for name, value in ROW.items() if name != "amount"})
        for inputs in (tensors([{**ROW, "amount": None}]), [t for t in tensors([ROW]) if t["name"] != "amount"]):
            _, told = await infer(desk, inputs)
            data = next(t["data"] for t in told["outputs"] if t["name"] == "probabilities")
            assert data == list(one["predictions"][0]["probabilities"].values())
        assert one["predictions"] == two["predictions"]

    at_desk(script)


@pytest.mark.parametrize(
    ("inputs", "error", "said"),
    [
        (tensors([ROW], amount={"datatype": "BYTES"}), Malformed, "datatype 'BYTES', a number is"),
        (tensors([ROW], owner={"datatype": "INT64"}), Malformed, "datatype 'INT64', a boolean is BOOL"),
        (tensors([ROW], amount={"shape": [2]}), Malformed, r"shape \[2\] and 1 values"),
        (tensors([ROW], amount={"shape": [-1]}), Malformed, r"shape \[-1\]"),
        (tensors([ROW], amount={"shape": [2**31, 2**31]}), Malformed, "values"),
        (tensors([ROW], amount={"shape": []}), Malformed, "values"),
        (tensors([ROW], amount={"shape": [2], "data": [1.0, 2.0]}), Malformed, "rows, those before it|has 1 rows"),
        (tensors([ROW]) + tensors([ROW])[:1], Malformed, "stands twice"),
        ([], BadInput, "no rows"),
        ([{"name": "amount"}], Malformed, "missing required field"),
        (tensors([{**ROW, "stranger": "x"}]), BrokenContract, "stranger"),
        (tensors([ROW], amount={"data": ["much"]}), BrokenContract, "amount"),
        (tensors([ROW] * 6), TooLarge, "6 rows, 5 are allowed"),
    ],
)
def test_broken_tensors_are_refused(at_desk: Any, inputs: Any, error: type[Exception], said: str) -> None:
    async def script(desk: Any) -> None:
        body = json.dumps({"inputs": inputs}).encode()
        try:
            reply = await v2.infer(desk.handlers, body, "credit", "", "local")
        except BadInput as refused:
            reply = http.refusal(refused)
        assert reply.status == http.status_of(error("x", **({"cells": ()} if error is BrokenContract else {})))  # type: ignore[call-arg,arg-type]
        told = json.loads(v2.refused(reply).body)
        assert isinstance(told["error"], str)
        import re

        assert re.search(said, told["error"]), told

    at_desk(script, max_rows=5)


def test_a_version_that_does_not_answer_is_not_found(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        assert (await infer(desk, tensors([ROW]), version="1"))[0] == 200
        with pytest.raises(BadInput, match="Version '7' of 'credit' does not answer now"):
            await infer(desk, tensors([ROW]), version="7")

    at_desk(script)


def test_metadata_names_what_infer_takes(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        told = json.loads(v2.metadata(desk.serving.champion, "credit").body)
        assert {tensor["name"]: tensor["datatype"] for tensor in told["inputs"]} == KINDS
        assert told["outputs"] == [
            {"name": "probabilities", "datatype": "FP64", "shape": [-1, 2]},
            {"name": "label", "datatype": "BYTES", "shape": [-1]},
        ]

    at_desk(script)
