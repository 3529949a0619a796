"""A served model that learnt without a truth: its answers mean what training found, and nothing comes true later."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seaway.core.errors import BadInput
from seaway.serve import labels, openapi, v2
from tests import shoppers


def test_an_answer_is_the_segment_its_distances_and_how_odd_it_is(at_shoppers: Any) -> None:
    async def script(desk: Any) -> None:
        status, told = await desk.predict(*shoppers.rows(30, seed=5))
        assert status == 200
        for one in told["predictions"]:
            assert set(one["distances"]) == {"1", "2", "3"}
            assert one["segment"] == min(one["distances"], key=one["distances"].get)
            assert one["outlier"] >= 0
        odd = {"visits": 60, "spend": 3000.0, "channel": "shop"}
        (_, told) = await desk.predict(odd)
        assert told["predictions"][0]["outlier"] > 1

    at_shoppers(script)


def test_the_contract_says_what_the_answers_mean(at_shoppers: Any) -> None:
    async def script(desk: Any) -> None:
        document = openapi.document(desk.models.by_name, "0", desk.settings)
        notes = desk.serving.champion.contract.output("segment").notes
        assert len(notes) == 3
        described = document["components"]["schemas"]["shoppers.Prediction"]["anyOf"][0]["properties"]["segment"]
        assert described["enum"] == ["1", "2", "3"]
        assert described["description"].startswith(f"1: {notes[0]}; 2: ")
        assert not any(path.endswith("/labels") for path in document["paths"])
        assert "/v2/models/shoppers/infer" in document["paths"]

    at_shoppers(script)


def test_labels_are_refused_with_what_to_do(at_shoppers: Any, tmp_path: Path) -> None:
    async def script(desk: Any) -> None:
        with pytest.raises(BadInput, match="learnt without a truth") as raised:
            await desk.label({"id": "c1", "value": "1"})
        assert (raised.value.code, raised.value.fix[:14]) == ("no-truth", "Send no labels")

    at_shoppers(script)
    with pytest.raises(BadInput, match="learnt without a truth"):
        labels.write(tmp_path, "shoppers", [{"id": "c1", "value": "1"}], shoppers.candidate().contract, principal="p")


def test_the_open_inference_protocol_answers_the_same(at_shoppers: Any) -> None:
    async def script(desk: Any) -> None:
        rows = shoppers.rows(20, seed=9)
        _, told = await desk.predict(*rows)
        asked = {"inputs": v2.tensors(rows, desk.serving.champion.contract)}
        reply = await v2.infer(desk.handlers, json.dumps(asked).encode(), "shoppers", "", "local")
        found = {tensor["name"]: tensor for tensor in msgspec.json.decode(reply.body)["outputs"]}
        assert found["segment"]["data"] == [one["segment"] for one in told["predictions"]]
        assert found["outlier"]["data"] == [one["outlier"] for one in told["predictions"]]
        assert found["distances"]["shape"] == [20, 3]

    at_shoppers(script)
