"""A14: releases that fail to load are promoted under a live server: the old one answers every request, and the reason is told."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from seaway.registry.promote import promote
from seaway.registry.store import Registry
from tests import unlimited
from tests.bundles import PASSED
from tests.releases import Workshop, resign
from tests.serving import make_state, running
from tests.unit.engines.messages import (
    CAST,
    attribute,
    graph,
    held,
    info,
    model,
    node,
    number,
    opset,
)

LOAD_S = 2.0
SHORT = ("opset", "shape", "external data", "contract", "parity", "memory", "endless", "dies")
"""What `make test` offers; `make soak` offers all."""


def onnx_graph(data: bytes) -> Mapping[str, bytes]:
    return {"program/graph.onnx": data}


def fails_in(deed: bytes) -> dict[str, Any]:
    """Fail in a library: the engine without a walk does so for these bytes."""
    return {"files": onnx_graph(deed), "engine": "unlimited"}


EXTERNAL = held(13, held(1, "location") + held(2, "/etc/passwd"))
RELEASES: dict[str, tuple[dict[str, Any], str]] = {
    "opset": ({"files": onnx_graph(model(opsets=opset("", 99)))}, "operator set 'ai.onnx' version 99"),
    "old opset": ({"files": onnx_graph(model(opsets=opset("", 7)))}, "operator set 'ai.onnx' version 7"),
    "unknown domain": ({"files": onnx_graph(model(opsets=opset("evil", 1)))}, "operator set 'evil'"),
    "unknown operator": (
        {"files": onnx_graph(model(graph(node("ConstantOfShape", ["x"], ["margin"]))))},
        "operator 'ConstantOfShape'",
    ),
    "loop": (
        {"files": onnx_graph(model(graph(node("Loop", ["x"], ["margin"], attribute("body", held(6, graph()), 5)))))},
        "a subgraph",
    ),
    "external data": (
        {"files": onnx_graph(model(graph(more=held(5, number(1, 2) + number(2, 11) + held(8, "c") + EXTERNAL))))},
        "external data",
    ),
    "future ir": ({"files": onnx_graph(model(ir=99))}, "IR version 99"),
    "shape": (
        {"files": onnx_graph(model(graph(outputs=(info("margin", 11, "rows", 9),))))},
        "declared as",
    ),
    "too wide": (
        {"files": onnx_graph(model(graph(inputs=(info("x", 1, "rows", 1 << 20),))))},
        "1048576 elements",
    ),
    "no graph": ({"files": onnx_graph(b"")}, "no graph"),
    "noise": ({"files": onnx_graph(b"\xff" * 1000)}, "malformed"),
    "contract": ({"files": onnx_graph(model(graph(CAST)))}, "not part of one|not for this contract|differ"),
    "encoder": ({"encoder": 99}, "made with encoder 99"),
    "unknown engine": ({"engine": "nothing"}, "no engine called 'nothing'"),
    "parity": ({"files": {"parity.ndjson": b""}}, "no parity vectors"),
    "tolerance": ({"tolerance": -1.0}, "does not repeat the trained model's answers"),
    "memory": (fails_in(b"memory"), "needs more than"),
    "endless": (fails_in(b"endless"), "was not ready within"),
    "dies": (fails_in(b"abort"), "ended by signal"),
    "starts a program": (fails_in(b"subprocess"), "what no bundle may"),
}


def test_there_are_twenty_of_them() -> None:
    assert len(RELEASES) == 20
    assert set(SHORT) <= set(RELEASES)


@pytest.mark.slow
def test_the_old_release_answers_whatever_is_promoted(
    tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered(tmp_path, free_port, monkeypatch, {name: RELEASES[name] for name in SHORT})


@pytest.mark.soak
def test_the_old_release_answers_whatever_is_promoted_in_full(
    tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered(tmp_path, free_port, monkeypatch, RELEASES)


def offered(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch, releases: Mapping[str, tuple[dict[str, Any], str]]
) -> None:
    """Promote each in turn under a client that never stops asking."""
    state = tmp_path / "state"
    state.mkdir()
    (tmp_path / "package").mkdir()
    monkeypatch.setenv("PYTHONPATH", unlimited.install(tmp_path / "package"))
    (old,) = make_state(state)
    said = tmp_path / f"server-{port}.txt"
    answers: list[str] = []
    is_over = threading.Event()
    with running(state, port, load_s=LOAD_S, load_memory=1 << 30, workers=1) as server:

        def ask() -> None:
            while not is_over.is_set():
                try:
                    answers.append(server.predict()["release"])
                except Exception as error:  # noqa: BLE001 - every kind of failure counts
                    answers.append(repr(error))

        client = threading.Thread(target=ask)
        client.start()
        try:
            waits = [offer(state, name, *told, said=said) for name, told in releases.items()]
        finally:
            is_over.set()
            client.join()
        ready = server.ask("GET", "/health/ready")
        assert ready[0] == 200
        assert ready[2]["models"]["credit"]["following"] is False
    wrong = [one for one in answers if one != old]
    print(
        f"A14: {len(waits)} releases that fail to load; {len(answers)} requests, {len(wrong)} of them not answered by the "
        f"old release; refused after {max(waits):.1f} s at most"
    )
    assert len(answers) > 100
    assert wrong == []
    assert max(waits) < 10.0


def offer(state: Path, name: str, changes: dict[str, Any], reason: str, *, said: Path) -> float:
    """Sign and promote one, as an insider with the key could; return how long it took until the server told the reason."""
    import re

    workshop, registry = Workshop(state), Registry(state)
    reservation = registry.reserve("credit", name)
    (champion,) = [one for one in registry.releases("credit") if one.version == 1]
    folder = Path(shutil.copytree(registry.store.get(champion.digest), state.parent / f"offered-{reservation.version}"))
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    resign(
        folder, workshop.signer, version=reservation.version, sequence=reservation.sequence,
        parent=reservation.parent, **changes,
    )  # fmt: skip
    digest = registry.register(folder, reservation, PASSED, "insider")
    moved = promote(registry, "credit", digest, reason=name, principal="insider")
    started = time.monotonic()
    line = re.compile(rf"Assignment {moved.sequence} of credit is not followed: (.*)")
    while not (found := line.search(said.read_text())):
        assert time.monotonic() - started < 20.0, f"{name}: the server says nothing of it"
        time.sleep(0.02)
    assert re.search(reason, found[1]), f"{name}: {found[1]}"
    return time.monotonic() - started
