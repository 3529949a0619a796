"""Champion, canary and shadows: who answers, who is only heard, and what happens when one cannot."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from seaway.core.candidate import Candidate
from seaway.core.event import Prediction
from seaway.registry.store import Registry
from seaway.serve.lane import as_json
from tests import credit
from tests.releases import CREATED, Workshop, resign
from tests.serving import ROW


def of_arm(desk: Any, arm: str) -> list[Prediction]:
    return [one for one in desk.events() if isinstance(one, Prediction) and one.arm == arm]


def strict_candidate() -> Candidate:
    """Return the model under a contract that asks for one more column."""
    columns = tuple(
        msgspec.structs.replace(column, absent="error") if column.name == "owner" else column
        for column in credit.CONTRACT.columns
    )
    return replace(credit.candidate(), contract=msgspec.structs.replace(credit.CONTRACT, columns=columns))


def register(state: Path, candidate: Candidate) -> str:
    registry, workshop = Registry(state), Workshop(state)
    reservation = registry.reserve("credit", candidate.digest)
    built = workshop.build(
        candidate, name="other", version=reservation.version, sequence=reservation.sequence,
        parent=reservation.parent, created=reservation.created,
    )  # fmt: skip
    return registry.register(built.folder, reservation, built.verdicts, "test")


def test_the_same_key_meets_the_same_arm_and_the_share_holds(at_desk: Any, digests: list[str]) -> None:
    async def script(desk: Any) -> None:
        await desk.move(digests[0], canary=(digests[1], 0.3))
        arms: dict[str, set[str]] = {}
        for number in range(400):
            _, told = await desk.predict(key=f"customer-{number % 200}")
            arms.setdefault(f"customer-{number % 200}", set()).add(told["release"])
        assert all(len(found) == 1 for found in arms.values())
        share = sum(digests[1] in found for found in arms.values()) / 200
        assert 0.2 <= share <= 0.4
        assert len(of_arm(desk, "canary")) == round(2 * share * 200)

    at_desk(script, durability="process")


def test_without_a_key_requests_are_shared_out(at_desk: Any, digests: list[str]) -> None:
    async def script(desk: Any) -> None:
        await desk.move(digests[0], canary=(digests[1], 0.5))
        found = [(await desk.predict())[1]["release"] for _ in range(200)]
        assert 60 <= found.count(digests[1]) <= 140

    at_desk(script, durability="process")


def test_what_the_canary_refuses_the_champion_answers(state: Path, at_desk: Any, digests: list[str]) -> None:
    strict = register(state, strict_candidate())
    row = {name: value for name, value in ROW.items() if name != "owner"}

    async def script(desk: Any) -> None:
        await desk.move(digests[0], canary=(strict, 1.0))
        _, whole = await desk.predict(ROW)
        assert whole["release"] == strict
        status, told = await desk.predict(row)
        assert (status, told["release"]) == (200, digests[0])
        await desk.quiet()
        failed = of_arm(desk, "canary")[-1]
        assert (failed.request_id, failed.release, failed.status) == (told["request_id"], strict, 422)
        (answered,) = of_arm(desk, "champion")
        assert answered.request_id == told["request_id"]
        assert desk.tally.counts["seaway_canary_fallbacks", ("credit", "broken-contract")] == 1
        status, _ = await desk.predict({**row, "amount": "much"})
        assert status == 422

    at_desk(script)


def test_shadows_are_heard_under_the_same_id_and_never_answer(at_desk: Any, digests: list[str]) -> None:
    async def script(desk: Any) -> None:
        await desk.move(digests[0], shadows=(digests[1],))
        asked = [(await desk.predict(row))[1] for row in credit.rows(5, seed=3)]
        _, many = await desk.predict(*credit.rows(100, seed=8))
        await desk.quiet()
        heard = {one.request_id: one for one in of_arm(desk, "shadow")}
        for told in [*asked, many]:
            assert told["release"] == digests[0]
            one = heard[told["request_id"]]
            assert (one.release, one.status) == (digests[1], 200)
            assert len(json.loads(one.answers)) == len(told["predictions"])
        assert json.loads(heard[many["request_id"]].answers) != many["predictions"]

    at_desk(script)


def test_a_shadow_that_refuses_is_logged_and_the_caller_sees_nothing(
    state: Path, at_desk: Any, digests: list[str]
) -> None:
    strict = register(state, strict_candidate())

    async def script(desk: Any) -> None:
        await desk.move(digests[0], shadows=(strict,))
        status, told = await desk.predict({name: value for name, value in ROW.items() if name != "owner"})
        assert status == 200
        await desk.quiet()
        (one,) = of_arm(desk, "shadow")
        assert (one.request_id, one.status) == (told["request_id"], 422)

    at_desk(script)


def with_nan(folder: Path, built: Path, workshop: Workshop, version: int) -> Path:
    """Change a release so that it answers NaN for huge amounts, and sign it: the parity vectors do not notice."""
    shutil.copytree(built, folder)
    model = onnx.load_from_string((folder / "program" / "graph.onnx").read_bytes())
    graph = model.graph
    (last,) = [node for node in graph.node if "probabilities" in node.output]
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.array([0], dtype=np.int64), "nan_place"),
            numpy_helper.from_array(np.array(1e35, dtype=np.float32), "nan_amount"),
            numpy_helper.from_array(np.array(np.nan, dtype=np.float64), "nan_value"),
        ]
    )
    last.output[list(last.output).index("probabilities")] = "right"
    graph.node.extend(
        [
            helper.make_node("Gather", ["x", "nan_place"], ["nan_column"], axis=1),
            helper.make_node("GreaterOrEqual", ["nan_column", "nan_amount"], ["nan_here"]),
            helper.make_node("Where", ["nan_here", "nan_value", "right"], ["probabilities"]),
        ]
    )
    return resign(folder, workshop.signer, {"program/graph.onnx": model.SerializeToString()}, version=version)


def test_not_a_number_never_leaves(state: Path, tmp_path: Path, at_desk: Any, digests: list[str]) -> None:
    workshop, registry = Workshop(state), Registry(state)
    reservation = registry.reserve("credit", "broken")
    built = workshop.build(
        name="good", version=reservation.version, sequence=reservation.sequence, parent=digests[1], created=CREATED
    )
    folder = with_nan(tmp_path / "nan", built.folder, workshop, reservation.version)
    broken = registry.register(folder, reservation, built.verdicts, "test")
    trap = {**ROW, "amount": 1e36}

    async def script(desk: Any) -> None:
        await desk.move(digests[0], canary=(broken, 1.0))
        assert (await desk.predict(ROW))[1]["release"] == broken
        status, told = await desk.predict(trap)
        assert (status, told["release"]) == (200, digests[0])
        assert [one.status for one in of_arm(desk, "canary")] == [200, 500]
        await desk.move(broken)
        reply = await desk.reply(json.dumps({"rows": [trap]}).encode())
        assert reply.status == 500
        assert json.loads(reply.body)["error"]["code"] == "broken-answer"
        assert b"null" not in reply.body
        assert of_arm(desk, "refused")[-1].status == 500

    at_desk(script)


def test_a_reply_is_made_of_the_event_alone(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        reply = await desk.reply(json.dumps({"rows": [ROW]}).encode())
        (event,) = of_arm(desk, "champion")
        assert as_json(event) == reply.body

    at_desk(script)


@pytest.mark.parametrize("share", [1e-12, 1.0])
def test_the_ends_of_a_share(at_desk: Any, digests: list[str], share: float) -> None:
    async def script(desk: Any) -> None:
        await desk.move(digests[0], canary=(digests[1], share))
        found = {(await desk.predict())[1]["release"] for _ in range(20)}
        assert found == {digests[1] if share == 1.0 else digests[0]}

    at_desk(script, durability="process")
