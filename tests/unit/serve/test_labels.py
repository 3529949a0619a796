from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seaway.core import chance, segment
from seaway.core.contract import Column, Contract
from seaway.core.errors import BadInput
from seaway.core.event import Label
from seaway.serve import labels
from tests import credit, serving
from tests.serving import ROW


def logged(desk: Any) -> list[Label]:
    return [one for one in desk.events() if isinstance(one, Label)]


def test_a_label_is_durable_before_the_reply(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        _, told = await desk.predict(ROW, ROW)
        one = {"request_id": told["request_id"], "row": 1, "value": "bad", "time": "2026-11-23T18:00:00+01:00"}
        assert await desk.label(one) == (200, {"model": "credit", "taken": 1, "refused": 0})
        (label,) = logged(desk)
        assert (label.request_id, label.row, label.value) == (told["request_id"], 1, "bad")
        assert label.known == "2026-11-23T17:00:00.000000Z"
        assert label.principal == "local"

    at_desk(script)


def test_labels_by_id_and_moment(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        status, _ = await desk.label({"id": 17, "value": "good"}, {"id": "x", "at": "2026-11-01", "value": "bad"})
        assert status == 200
        assert [(one.id, one.at, one.value) for one in logged(desk)] == [("17", "", "good"), ("x", "2026-11-01", "bad")]
        first, second = logged(desk)
        assert first.sequence < second.sequence

    at_desk(script)


def test_every_broken_label_is_listed_and_none_is_taken(at_desk: Any) -> None:
    broken = [
        {"id": "a", "value": "terrible"},
        {"id": "a", "value": None},
        {"value": "bad"},
        {"id": "a", "request_id": "b", "value": "bad"},
        {"id": "a", "value": "bad", "time": "yesterday"},
        {"id": "a", "value": "bad", "colour": 1},
        "bad",
        {"id": "a", "row": "first", "value": "bad"},
        {"request_id": "x", "row": -1, "value": "bad"},
    ]

    async def script(desk: Any) -> None:
        status, told = await desk.label({"id": "fine", "value": "bad"}, *broken)
        assert status == 422
        cells = told["error"]["cells"]
        assert [cell["row"] for cell in cells] == list(range(1, 10))
        assert all(cell["fix"] for cell in cells)
        assert "9 of 10 labels are broken; none was taken in" in told["error"]["message"]
        assert logged(desk) == []
        status, told = await desk.label({"id": "fine", "value": "bad"}, *broken, partial=True)
        assert (status, told["taken"], told["refused"], len(told["cells"])) == (200, 1, 9, 9)
        assert len(logged(desk)) == 1

    at_desk(script)


def test_a_label_about_no_known_request_is_404(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        _, told = await desk.predict(ROW)
        later = segment.request_id(1, segment.Place(9, 4_000_000_000, 0))
        status, error = await desk.label(
            {"request_id": later, "value": "bad"}, {"request_id": told["request_id"], "value": "bad"}
        )
        assert status == 404
        assert error["error"]["cells"][0] == {
            "row": 0, "column": "request_id", "value": later, "rule": "unknown-request",
            "fix": "Send the request_id exactly as it was answered.",
        }  # fmt: skip

    at_desk(script)


def test_labels_come_late_even_after_their_segment_was_compacted_away(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        _, told = await desk.predict(ROW)
        place = segment.place_of(told["request_id"])
        assert place is not None
        old = segment.request_id(1, segment.Place(3, place.segment - 1000, 5))
        assert (await desk.label({"request_id": old, "value": "bad"}))[0] == 200

    at_desk(script)


def test_a_callers_own_id_becomes_ours_where_it_is_known(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        _, told = await desk.predict(ROW, request_id="order-17")
        await desk.label({"request_id": "order-17", "value": "bad"}, {"request_id": "order-1", "value": "bad"})
        assert [one.request_id for one in logged(desk)] == [told["request_id"], "order-1"]

    at_desk(script)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"labels": []}, "0 labels were sent"),
        ({"labels": [1] * 6}, "6 labels were sent; 1 to 5"),
        ({"labels": [1], "model": "other"}, "No model 'other'"),
    ],
)
def test_a_body_without_labels_is_refused(at_desk: Any, body: Any, said: str) -> None:
    async def script(desk: Any) -> None:
        with pytest.raises(BadInput, match=said):
            await desk.handlers.label(json.dumps(body).encode())

    at_desk(script, max_rows=5)


def test_path_and_body_name_one_model(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        with pytest.raises(BadInput, match="names model 'credit', the body 'other'"):
            await desk.handlers.label(b'{"labels":[1],"model":"other"}', "credit")

    at_desk(script)


def test_a_number_is_a_number() -> None:
    contract = Contract(task="t", per="row", columns=(), truth=Column(name="y", kind="number"))
    checker = labels.Checker(contract, "m", Path("nowhere"), clock=chance.Clock())
    checked = checker.check([{"id": "a", "value": 2}, {"id": "a", "value": "2"}, {"id": "a", "value": True}], "p")
    assert [one.value for one in checked.labels] == [2.0]
    assert [cell.row for cell in checked.cells] == [1, 2]


def test_several_ids_are_one_text() -> None:
    ids = tuple(Column(name=name, kind="text", role="id") for name in ("store", "item"))
    contract = Contract(task="t", per="row", columns=ids, truth=Column(name="y", kind="number"))
    checker = labels.Checker(contract, "m", Path("nowhere"), clock=chance.Clock())
    checked = checker.check([{"id": {"store": 1, "item": "b"}, "value": 2}, {"id": {"store": 1}, "value": 2}], "p")
    assert checked.labels[0].id == '{"item":"b","store":"1"}'
    assert "The ids of this model are: store, item." in checked.cells[0].fix


def test_writing_from_a_file_needs_no_server(tmp_path: Path) -> None:
    """Texts stand for numbers, and broken labels are left out and listed."""
    records = [
        {"id": "a", "value": "bad", "row": "0"},
        {"id": "b", "value": "terrible"},
        {"id": "c", "value": "good", "time": "2026-11-23"},
    ]
    log = tmp_path / "log"
    done = labels.write(log, "credit", records, credit.CONTRACT, principal="me")
    assert (done.taken, done.refused, [cell.row for cell in done.cells]) == (2, 1, [1])
    labels.write(log, "credit", records[:1], credit.CONTRACT, principal="me")
    found = serving.events(tmp_path)
    assert [one.id for one in found if isinstance(one, Label)] == ["a", "c", "a"]


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from seaway.serve import labels; from tests import credit\n"
        "for n in range(5): labels.write(Path(sys.argv[1]), 'credit', [{'id': sys.argv[2] + str(n), 'value': 'bad'}], "
        "credit.CONTRACT, principal='p')"
    )
    code = code.replace(
        "from tests import credit", "import msgspec; from seaway.core.contract import Contract"
    ).replace("credit.CONTRACT", "msgspec.json.decode(sys.argv[3], type=Contract)")
    contract = msgspec.json.encode(credit.CONTRACT).decode()
    writers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name, contract]) for name in "xyz"]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    found = [one for path in (tmp_path / "credit").iterdir() for _, one in segment.events(path)]
    assert sorted(one.id for one in found) == sorted(f"{name}{n}" for name in "xyz" for n in range(5))
    assert len({one.sequence for one in found}) == 15
