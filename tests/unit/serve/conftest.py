"""A released credit model, and a desk: the handlers of one worker without processes around them."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from seaway.core import chance
from seaway.core.assignment import Assignment
from seaway.core.event import Event
from seaway.core.settings import ServeSettings
from seaway.registry.source import RegistrySource
from seaway.registry.store import Registry
from seaway.security.sign import TrustFolder
from seaway.serve.app import App
from seaway.serve.door import Door
from seaway.serve.follow import Follower
from seaway.serve.handlers import Handlers
from seaway.serve.http import Reply
from seaway.serve.metrics import Tally
from seaway.serve.releases import Models, Serving
from seaway.serve.routes import Server
from seaway.serve.state import Standing
from tests import sales, serving, shoppers


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Release two models; the first is champion. Copied, never changed."""
    state = tmp_path_factory.mktemp("released") / "state"
    state.mkdir()
    return state, serving.make_state(state, 2)


@pytest.fixture
def state(released: tuple[Path, list[str]], tmp_path: Path) -> Path:
    """Return a state folder of the test's own, with two releases."""
    return Path(shutil.copytree(released[0], tmp_path / "state"))


@pytest.fixture(scope="session")
def others(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Release models whose cases are series, and rows without a truth. Copied, never changed."""
    found = {}
    for source in (sales, shoppers):
        found[source.MODEL] = tmp_path_factory.mktemp(source.MODEL) / "state"
        found[source.MODEL].mkdir()
        serving.make_state(found[source.MODEL], 1, source)
    return found


@pytest.fixture
def sales_state(others: dict[str, Path], tmp_path: Path) -> Path:
    """Return a state folder of the test's own that forecasts."""
    return Path(shutil.copytree(others[sales.MODEL], tmp_path / "sales"))


@pytest.fixture
def at_sales(sales_state: Path) -> Callable[..., Any]:
    """Run a coroutine function with a desk that forecasts."""
    return desk_over(sales_state)


@pytest.fixture
def shoppers_state(others: dict[str, Path], tmp_path: Path) -> Path:
    """Return a state folder of the test's own that answers without a truth."""
    return Path(shutil.copytree(others[shoppers.MODEL], tmp_path / "shoppers"))


@pytest.fixture
def at_shoppers(shoppers_state: Path) -> Callable[..., Any]:
    """Run a coroutine function with a desk that answers without a truth."""
    return desk_over(shoppers_state)


@pytest.fixture
def digests(released: tuple[Path, list[str]]) -> list[str]:
    return released[1]


class Desk:
    """One worker's handlers over a state folder."""

    def __init__(self, state: Path, worker: int = 0, **settings: Any) -> None:
        self.state, self.settings = state, ServeSettings(**settings)
        self.models, self.tally, self.clock = Models(), Tally(), chance.Clock()
        self.handlers = Handlers(self.models, self.settings, self.tally, clock=self.clock)
        (state / "serving").mkdir(exist_ok=True)
        source = RegistrySource(state)
        self.door = Door(source.keys, self.settings, folder=state / "serving", secrets=state / "keys")
        self.standing = Standing(
            folder=state / "serving", worker=worker, port=1, models=self.models, tally=self.tally, door=self.door
        )
        self.app = App(Server(self.handlers, self.standing, self.door), self.settings)
        verifier = TrustFolder(state / "keys")
        self.follower = Follower(
            source,
            verifier,
            self.models,
            settings=self.settings,
            log_root=state / "log",
            worker=worker,
            clock=self.clock,
        )

    @property
    def serving(self) -> Serving:
        return self.models[""]

    async def reply(self, data: bytes, model: str = "", principal: str = "local") -> Reply:
        """Ask as a connection does: the short way, or else the long one."""
        waits: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        if self.handlers.predict_soon(data, model, principal, waits.set_result):
            return await waits
        return await self.handlers.predict(data, model, principal)

    async def predict(self, *rows: Any, **fields: Any) -> tuple[int, Any]:
        """Ask and return status and body; shadows are asked too, as after a written reply."""
        reply = await self.reply(json.dumps({"rows": list(rows or [serving.ROW]), **fields}).encode())
        if reply.after is not None:
            reply.after()
        return reply.status, json.loads(reply.body)

    async def label(self, *labels: Any, **fields: Any) -> tuple[int, Any]:
        reply = await self.handlers.label(json.dumps({"labels": list(labels), **fields}).encode())
        return reply.status, json.loads(reply.body)

    async def move(self, champion: str, *, follows: bool = True, **changes: Any) -> None:
        """Move the assignment in the registry and follow it."""
        registry = Registry(self.state)
        now = registry.assignment(self.serving.model)
        assert now is not None
        wanted = Assignment(
            **{"model": self.serving.model, "sequence": now.sequence, "champion": champion, "salt": "s", **changes}
        )
        registry.move(wanted, expect=now.sequence, reason="test", principal="test", evidence=())
        if follows:
            await self.follower.step()

    async def quiet(self) -> None:
        """Wait until the background has nothing left to do."""
        await asyncio.wrap_future(self.handlers._background.submit(int))
        await asyncio.sleep(0.1)

    def events(self) -> list[Event]:
        return serving.events(self.state, self.serving.model)


@asynccontextmanager
async def opened(state: Path, worker: int = 0, **settings: Any) -> AsyncIterator[Desk]:
    desk = Desk(state, worker, **settings)
    await desk.door.step()
    await desk.follower.step()
    try:
        yield desk
    finally:
        desk.door.close()
        desk.handlers.close()
        desk.follower.close()


Script = Callable[[Desk], Awaitable[Any]]


@pytest.fixture
def at_desk(state: Path) -> Callable[..., Any]:
    """Run a coroutine function with a desk of its own."""
    return desk_over(state)


def desk_over(state: Path) -> Callable[..., Any]:
    """Return what runs a coroutine function with a desk over a state folder."""

    def run(script: Script, **settings: Any) -> Any:
        async def main() -> Any:
            async with opened(state, **settings) as desk:
                return await script(desk)

        return asyncio.run(main())

    return run
