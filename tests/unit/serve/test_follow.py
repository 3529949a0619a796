from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from seaway.core.errors import NotFound, Unavailable
from seaway.registry.promote import promote, rollback
from seaway.registry.store import Registry
from tests.serving import ROW


def test_a_promotion_is_followed_between_two_requests(state: Path, at_desk: Any, digests: list[str]) -> None:
    async def script(desk: Any) -> None:
        following = asyncio.create_task(desk.follower.run(lambda: None))
        seen = []
        for number in range(120):
            if number == 30:
                promote(Registry(state), "credit", digests[1], reason="better", principal="test")
            if number == 80:
                rollback(Registry(state), "credit", reason="worse", principal="test")
            status, told = await desk.predict(ROW)
            assert status == 200
            seen.append(told["release"])
            await asyncio.sleep(0.02)
        following.cancel()
        changes = [one for one, next_one in itertools.pairwise(seen) if one != next_one]
        assert changes == [digests[0], digests[1]]
        assert seen[-1] == digests[0]

    at_desk(script, poll_s=0.05, durability="process")


@pytest.mark.parametrize("harm", ["changed", "missing", "untrusted"])
def test_a_release_that_cannot_be_loaded_leaves_the_old_one_answering(
    state: Path, at_desk: Any, digests: list[str], harm: str
) -> None:
    folder = state / "bundles" / digests[1]
    if harm == "changed":
        graph = folder / "program" / "graph.onnx"
        graph.chmod(0o644)
        data = bytearray(graph.read_bytes())
        data[len(data) // 2] ^= 1
        graph.write_bytes(data)

    async def script(desk: Any) -> None:
        await desk.move(digests[1], follows=False)
        if harm == "untrusted":
            (state / "keys" / "signing.pub").unlink()
        elif harm == "missing":
            folder.rename(state / "gone")
        await desk.follower.step()
        status, told = await desk.predict(ROW)
        assert (status, told["release"]) == (200, digests[0])
        assert desk.standing.is_ready
        told = desk.standing.ready(True)[1]["models"]["credit"]
        assert told["following"] is False
        assert told["code"] == {"changed": "untrusted", "untrusted": "unknown-key", "missing": "not-found"}[harm]
        assert told["message"] == desk.models.troubles["credit"].what
        assert "credit" not in desk.standing.ready(False)[1]
        desk.standing.tell()
        written = json.loads((state / "serving" / "00000.json").read_bytes())
        assert written["troubles"] == {"credit": str(desk.models.troubles["credit"])}
        assert desk.standing.gauges()["seaway_following"]["credit", "0"] == 0.0
        await desk.move(digests[0], canary=None, salt="t")
        assert desk.standing.ready(True)[1]["models"]["credit"]["following"] is True

    at_desk(script)


def test_a_source_that_cannot_be_read_leaves_everything_as_it_was(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        class Broken:
            def assignments(self) -> Any:
                raise Unavailable("The registry cannot be read", where="registry", fix="Mend it.")

        working, desk.follower._source = desk.follower._source, Broken()
        await desk.follower.step()
        assert (await desk.predict(ROW))[0] == 200
        assert "" in desk.models.troubles
        desk.follower._source = working
        await desk.follower.step()
        assert desk.models.troubles == {}

    at_desk(script)


def test_an_unknown_release_is_not_found(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        with pytest.raises(NotFound):
            desk.follower._source.bundle("0" * 64)

    at_desk(script)


def test_releases_that_stay_are_not_loaded_again(at_desk: Any, digests: list[str]) -> None:
    async def script(desk: Any) -> None:
        champion = desk.serving.champion
        await desk.move(digests[0], canary=(digests[1], 0.5))
        assert desk.serving.champion is champion
        canary = desk.serving.canary
        await desk.move(digests[1], shadows=(digests[0],))
        assert desk.serving.champion is canary
        assert desk.serving.shadows == (champion,)

    at_desk(script)


def test_looks_go_on_while_a_release_is_loaded_for_the_first_time(
    state: Path, at_desk: Any, digests: list[str]
) -> None:
    """However long one release takes, the source is asked, and a worker that stops gives the load up."""

    async def script(desk: Any) -> None:
        asked, started = [], threading.Event()

        def prove(folder: Path, digest: str, is_wanted: Any) -> None:
            started.set()
            while is_wanted():
                time.sleep(0.01)
            raise Unavailable("given up", where="here", fix="Nothing.")

        desk.follower._prove = prove
        following = asyncio.create_task(desk.follower.run(lambda: asked.append(1)))
        await desk.move(digests[1], follows=False)
        await asyncio.to_thread(started.wait, 5)
        before = len(asked)
        await asyncio.sleep(0.5)
        assert len(asked) >= before + 5
        assert (await desk.predict(ROW))[1]["release"] == digests[0]
        desk.follower.close()
        await asyncio.sleep(0.2)
        assert "credit" in desk.models.troubles
        following.cancel()

    at_desk(script, poll_s=0.05)


def test_why_a_release_is_not_followed_is_told_by_its_code_alone_where_keys_are_asked_for(
    state: Path, at_desk: Any, digests: list[str]
) -> None:
    async def script(desk: Any) -> None:
        await desk.move(digests[1], follows=False)
        (state / "keys" / "signing.pub").unlink()
        await desk.follower.step()
        told = desk.standing.ready(True)[1]["models"]["credit"]
        assert told == {"sequence": 1, "following": False, "code": "unknown-key"}

    at_desk(script, keys="required")


def test_a_first_release_that_cannot_be_loaded_is_named_with_its_code(state: Path, at_desk: Any) -> None:
    (state / "keys" / "signing.pub").unlink()

    async def script(desk: Any) -> None:
        status, told = desk.standing.ready(True)
        assert status == 503
        assert "Model 'credit' has no release that could be loaded: unknown-key" in told["reasons"]

    at_desk(script)
