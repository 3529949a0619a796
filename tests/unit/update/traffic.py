"""Requests that keep coming while an update waits: real releases answer, a real log grows, labels follow. One thread, no server."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from seaway.core import chance, extend
from seaway.core.answer import Answerer
from seaway.core.project import Project
from seaway.core.settings import Settings
from seaway.data import files
from seaway.lab import train
from seaway.lab.progress import Silent
from seaway.registry import promote
from seaway.registry.store import Registry
from seaway.security.sign import TrustFolder
from seaway.update import publish, rebuild
from tests.unit.monitor import world
from tests.unit.monitor.simulator import Server

Prediction = dict[str, Any]


class Traffic:
    """A server of one worker and its clients; as a `Progress` it lets requests in whenever an update waits.

    `spoil(arm, prediction)` may change what a release answers, or return None to let it fail as an engine does on NaN.
    """

    def __init__(
        self,
        project: Project,
        settings: Settings,
        *,
        rows: int = 150,
        labelled: float = 1.0,
        spoil: Callable[[str, Prediction], Prediction | None] | None = None,
        code: str = "broken-answer",
        seed: str = "",
    ) -> None:
        self.project, self.model = project, settings.project.name
        self.registry = Registry(project.state)
        self.server = Server(project.log, worker=0, model=self.model)
        self.rows, self.labelled, self.spoil, self.code = rows, labelled, spoil, code
        self.opened: dict[str, Answerer] = {}
        self.asked, self.seed = 0, seed
        self.seen: list[str] = []

    def step(self, done: float, total: float, message: str, left_s: float) -> None:
        """Let requests in while the update waits."""
        self.seen.append(message)
        self.follow()
        if message.startswith(("waiting for labels", "the ")):
            self.ask(self.rows)

    def follow(self) -> None:
        """Say, as a worker does, which assignment this server follows."""
        now = self.registry.assignment(self.model)
        assert now is not None
        self.project.serving.mkdir(exist_ok=True)
        told = {
            "pid": os.getpid(),
            "port": 1,
            "worker": self.server.worker,
            "ready": True,
            "models": {self.model: {"release": now.champion, "sequence": now.sequence}},
            "stamp": chance.stamp(),
        }
        temporary = self.project.serving / "0.tmp"
        temporary.write_bytes(msgspec.json.encode(told))
        temporary.rename(self.project.serving / "0.json")

    def ask(self, count: int, *seed: int | str) -> list[str]:
        """Send fresh loans, one to a request, and label some of them."""
        now = self.registry.assignment(self.model)
        assert now is not None
        rows, _, truth = world.draw(count, "traffic", self.seed, self.asked, *seed)
        made = []
        for i, row in enumerate(rows):
            self.asked += 1
            digest = now.arm(f"{self.seed}-{self.asked}")
            arm = "champion" if digest == now.champion else "canary"
            request_id = self._answered(row, digest, arm, "")
            if request_id is None:  # a canary that fails falls to the champion
                request_id = self._answered(row, now.champion, "champion", "") or ""
                self._failed(digest, arm, request_id)
            for shadow in now.shadows:
                if self._answered(row, shadow, "shadow", request_id) is None:
                    self._failed(shadow, "shadow", request_id)
            if i < self.labelled * count:
                self.server.label(world.CLASSES[int(truth[i])], request_id=request_id, sequence=self._tick())
            made.append(request_id)
        return made

    def _answered(self, row: dict[str, Any], digest: str, arm: str, request_id: str) -> str | None:
        (answered,) = self._release(digest).answer([self._release(digest).encoder.request([row])])
        prediction: Prediction | None = answered.predictions[0]
        if self.spoil is not None:
            prediction = self.spoil(arm, dict(answered.predictions[0]))
        if prediction is None:
            return None
        return self.server.predict(
            [row],
            [prediction],
            release=digest,
            arm=arm,  # type: ignore[arg-type]
            request_id=request_id,
            sequence=self._tick(),
        )

    def _failed(self, digest: str, arm: str, request_id: str) -> None:
        self.server.clock = self._tick()
        self.server.refuse(status=500, code=self.code, release=digest, arm=arm, request_id=request_id)  # type: ignore[arg-type]

    def _release(self, digest: str) -> Answerer:
        if digest not in self.opened:
            self.opened[digest] = Answerer(
                self.registry.store.get(digest), TrustFolder(self.project.keys), replay=False
            )
        return self.opened[digest]

    def _tick(self) -> int:
        self.server.clock = max(self.server.clock + 1, int(chance.now() * 1e6))
        return self.server.clock


def released(folder: Path, project: Callable[[Path], Project], settings: Settings) -> Project:
    """Make a project whose model has a first release that answers."""
    made = project(folder)
    data = rebuild.source(made, settings)
    task = extend.load("task", files.load(made).task)()
    found = train.train(data, task, settings, made.runs / "first", progress=Silent(), started=chance.monotonic())
    registry = Registry(made.state)
    release = publish.publish(found, data, project=made, settings=settings, registry=registry, principal="test")
    promote.promote(registry, settings.project.name, release.digest, "first release", "test")
    return made
