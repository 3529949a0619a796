from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from seaway.core import segment
from seaway.core.errors import NotFound, Unavailable
from seaway.core.event import Prediction
from seaway.core.settings import ServeSettings
from seaway.engines.native.kernel import Absent, kernel
from seaway.serve.releases import Models
from tests import credit
from tests.serving import ROW


def predictions(desk: Any) -> list[Prediction]:
    return [one for one in desk.events() if isinstance(one, Prediction)]


def test_an_answer_is_the_models_own_and_is_logged_before_it_leaves(at_desk: Any, digests: list[str]) -> None:
    queries, expected = map(list, zip(*credit.held_out(0), strict=True))
    asked = [query.rows[0] for query in queries]

    async def script(desk: Any) -> None:
        status, told = await desk.predict(*asked)
        assert status == 200
        assert told["release"] == digests[0]
        for found, wanted in zip(told["predictions"], expected, strict=True):
            assert found["label"] == wanted["label"]
            assert found["probabilities"] == pytest.approx(wanted["probabilities"], rel=1e-12)
        (event,) = predictions(desk)
        assert event.request_id == told["request_id"]
        assert event.arm == "champion"
        assert json.loads(event.answers) == told["predictions"]
        assert [row["amount"] for row in json.loads(event.rows)] == [row["amount"] for row in asked]
        assert event.took_us > 0
        place = segment.place_of(event.request_id)
        assert place is not None
        assert place.record == 0

    at_desk(script)


def test_one_row_and_many_rows_answer_the_same(at_desk: Any) -> None:
    """One row is answered in the loop, many in the background thread: two loaded programs, one answer."""
    rows = credit.rows(300, seed=4)

    async def script(desk: Any) -> None:
        _, many = await desk.predict(*rows)
        for row, wanted in zip(rows[:20], many["predictions"], strict=False):
            _, one = await desk.predict(row)
            (found,) = one["predictions"]
            assert found["label"] == wanted["label"]
            # onnxruntime's sigmoid rounds the last bit differently in a long row of numbers
            assert found["probabilities"] == pytest.approx(wanted["probabilities"], rel=1e-14)

    at_desk(script)


def test_personal_columns_are_masked_in_the_log_and_in_logged_refusals(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        await desk.predict({**ROW, "owner": True})
        status, told = await desk.predict({**ROW, "owner": "secret-text", "stranger": "secret-too"})
        assert status == 422
        assert "secret-text" in json.dumps(told)
        answered, refused = predictions(desk)
        assert json.loads(answered.rows)[0]["owner"] is not True
        assert refused.arm == "refused"
        assert refused.status == 422
        assert b"secret" not in refused.answers
        assert refused.rows == b""
        columns = {cell["column"] for cell in json.loads(refused.answers)["error"]["cells"]}
        assert columns == {"owner", "stranger"}

    at_desk(script)


def test_unseen_category_is_answered_with_a_flag(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        status, told = await desk.predict({**ROW, "purpose": "boat"})
        assert status == 200
        assert told["predictions"][0]["flags"] == [{"column": "purpose", "rule": "unseen"}]
        assert desk.tally.counts["seaway_flags", ("credit", "purpose", "unseen")] == 1

    at_desk(script)


def test_partial_answers_stand_where_their_rows_stood(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        bad = {**ROW, "amount": "much"}
        _, alone = await desk.predict(ROW)
        status, told = await desk.predict(ROW, bad, ROW, partial=True)
        assert status == 200
        assert [("error" in one) for one in told["predictions"]] == [False, True, False]
        assert told["predictions"][0] == told["predictions"][2] == alone["predictions"][0]
        error = told["predictions"][1]["error"]
        assert error["path"] == "$.rows[1]"
        assert error["cells"][0]["column"] == "amount"
        event = predictions(desk)[-1]
        assert len(json.loads(event.rows)) == 2
        assert len(json.loads(event.answers)) == 3
        status, _ = await desk.predict(ROW, bad)
        assert status == 422

    at_desk(script)


def test_explanations_add_up_to_the_margin(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        _, told = await desk.predict(ROW, explain=True)
        (one,) = told["predictions"]
        why = one["explanation"]
        assert why["base"] + sum(why["attributions"].values()) == pytest.approx(why["margin"], rel=1e-9)
        assert set(why["attributions"]) == {"amount", "months", "purpose", "owner"}
        reply = await desk.handlers.explain(json.dumps({"rows": [ROW]}).encode())
        assert json.loads(reply.body)["explanations"] == [why]
        assert why["of"] == "bad"
        assert [abs(reason["attribution"]) for reason in why["reasons"]] == sorted(
            (abs(reason["attribution"]) for reason in why["reasons"]), reverse=True
        )

    at_desk(script)


def test_a_repeat_gets_the_first_answer_even_from_another_release(at_desk: Any, digests: list[str]) -> None:
    async def script(desk: Any) -> None:
        first = await desk.reply(json.dumps({"rows": [ROW], "request_id": "mine-1"}).encode())
        await desk.move(digests[1])
        again = await desk.reply(json.dumps({"rows": [ROW], "request_id": "mine-1"}).encode())
        assert again.body == first.body
        assert json.loads(first.body)["client_id"] == "mine-1"
        other = await desk.reply(json.dumps({"rows": [ROW], "request_id": "mine-1"}).encode(), principal="someone else")
        assert json.loads(other.body)["release"] == digests[1]
        assert len(predictions(desk)) == 2

    at_desk(script)


def test_a_repeat_that_overtakes_waits_for_the_first(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        asked = {"request_id": "mine-2"}
        found = await asyncio.gather(*(desk.predict(ROW, **asked) for _ in range(20)))
        assert len({json.dumps(told) for _, told in found}) == 1
        assert len(predictions(desk)) == 1

    at_desk(script)


def test_a_refused_request_may_be_mended_under_the_same_id(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        status, _ = await desk.predict({**ROW, "months": "two"}, request_id="mine-3")
        assert status == 422
        status, _ = await desk.predict(ROW, request_id="mine-3")
        assert status == 200

    at_desk(script)


def test_rows_are_kept_for_the_stated_share(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        for _ in range(300):
            await desk.predict(ROW)
        kept = [one for one in predictions(desk) if one.rows]
        assert all(one.kept == 0.25 for one in kept)
        assert all(one.kept == 0.0 for one in predictions(desk) if not one.rows)
        assert 40 <= len(kept) <= 115

    at_desk(script, keep=0.25, durability="process")


def test_ids_are_logged_for_late_labels(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        await desk.predict(ROW, {**ROW, "amount": "x"}, ROW, ids=["a", "b", "c"], partial=True)
        (event,) = predictions(desk)
        assert event.ids == ({"id": "a"}, {}, {"id": "c"})

    at_desk(script)


def test_limits_of_the_server_hold(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        status, told = await desk.predict(*[ROW] * 6)
        assert status == 413
        assert "6 rows, 5 are allowed" in told["error"]["message"]
        status, told = await desk.predict({**ROW, "purpose": "x" * 41})
        assert status == 413

    at_desk(script, max_rows=5, max_text=40)


def test_models_are_found_by_name_and_the_only_one_without(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        assert (await desk.reply(json.dumps({"rows": [ROW]}).encode(), "credit")).status == 200
        with pytest.raises(NotFound, match="No model 'other' is served here"):
            await desk.reply(b"{}", "other")

    at_desk(script)


def test_before_a_release_is_ready_it_says_so() -> None:
    with pytest.raises(Unavailable, match="No release is ready"):
        Models()["credit"]
    models = Models()
    models.has_looked = True
    with pytest.raises(Unavailable, match="No release is ready"):
        models[""]


def test_long_requests_are_turned_away_when_too_many_wait(at_desk: Any) -> None:
    rows = credit.rows(300)

    async def script(desk: Any) -> None:
        found = await asyncio.gather(*(desk.predict(*rows) for _ in range(300)))
        statuses = [status for status, _ in found]
        assert statuses.count(200) + statuses.count(503) == 300
        assert statuses.count(503) > 0
        assert {told["error"]["code"] for status, told in found if status == 503} == {"overloaded"}

    at_desk(script, durability="process")


def test_settings_default_to_durable() -> None:
    assert ServeSettings().durability == "disk"


@pytest.mark.parametrize(("engine", "tolerance"), [("native", 0.0), ("onnx", 1e-12)])
def test_an_answer_is_the_same_whoever_asks_beside(at_desk: Any, engine: str, tolerance: float) -> None:
    rows = credit.rows(200)

    def chances(found: Any) -> list[float]:
        return [told["predictions"][0]["probabilities"]["good"] for _, told in found]

    if engine == "native" and isinstance(found := kernel(), Absent):
        pytest.skip(found.why)

    async def script(desk: Any) -> None:
        assert desk.serving.champion.front.answering == engine
        together = await asyncio.gather(*(desk.predict(row) for row in rows))
        alone = [await desk.predict(row) for row in rows]
        assert chances(together) == pytest.approx(chances(alone), rel=tolerance, abs=0)
        assert len({told["request_id"] for _, told in (*together, *alone)}) == 400

    at_desk(script, durability="process", engine=engine)
