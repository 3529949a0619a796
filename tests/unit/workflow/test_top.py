"""`seaway top` beside a real server: rates, latency, releases, workers, from files and over the network; clear words without one."""

from __future__ import annotations

import io
import json
import os
import select
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from seaway.cli.top import drawn
from seaway.client import Client
from seaway.core import project
from seaway.core.errors import BrokenContract, Unavailable
from seaway.registry.store import Registry
from seaway.serve import metrics
from seaway.serve.metrics import BUCKETS, Tally
from seaway.workflow import looks, top
from tests import serving
from tests.serving import ROW, Running, running

PER_S = 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a project with a champion, a canary of 25 % and a shadow."""
    made = tmp_path_factory.mktemp("top")
    (made / project.SETTINGS).write_text('[project]\nname = "credit"\n')
    state = made / ".seaway"
    state.mkdir()
    champion, canary, shadow = serving.make_state(state, 3)
    registry = Registry(state)
    now = registry.assignment("credit")
    assert now is not None
    wanted = msgspec.structs.replace(now, champion=champion, canary=(canary, 0.25), shadows=(shadow,))
    registry.move(wanted, expect=now.sequence, reason="for a test", principal="test")
    return made


@pytest.fixture(scope="module")
def busy(folder: Path) -> Iterator[Running]:
    """Serve it with two workers to a caller of `PER_S` requests a second, one of ten wrong."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with running(folder / ".seaway", port, workers=2, durability="process") as server:
        is_over, refused = threading.Event(), list[int]()

        def ask() -> None:
            with Client(f"http://127.0.0.1:{port}") as client:
                number = 0
                while not is_over.wait(1 / PER_S):
                    number += 1
                    try:
                        client.predict([ROW if number % 10 else {**ROW, "months": "x"}])
                    except BrokenContract:
                        refused.append(number)

        caller = threading.Thread(target=ask, daemon=True)
        caller.start()
        time.sleep(2.5)  # both workers have written what they counted
        yield server
        is_over.set()
        caller.join()
        assert refused


def run(folder: Path, *arguments: str, columns: int = 80) -> subprocess.CompletedProcess[str]:
    told = [sys.executable, "-W", "error", "-c", "from seaway.cli.main import main; main()", "top", *arguments]
    environment = os.environ | {"COLUMNS": str(columns)}
    return subprocess.run(told, cwd=folder, capture_output=True, text=True, check=False, env=environment, timeout=60)


def test_a_view_from_the_projects_files(folder: Path, busy: Running) -> None:
    found = top.once(lambda: looks.of_project(folder / ".seaway"), 3.0)
    assert PER_S * 0.3 < found.requests_per_s < PER_S * 1.6
    assert found.statuses["4xx"] == pytest.approx(found.refused_per_s, abs=0.5)
    assert 0 < found.refused_per_s < found.statuses["2xx"]
    assert found.p50_ms is not None
    assert found.p99_ms is not None
    assert 0 < found.p50_ms <= found.p99_ms
    (model,) = found.models
    assert [(arm.arm, arm.share) for arm in model.arms] == [("champion", 0.75), ("canary", 0.25), ("shadow", 1.0)]
    assert model.arms[0].rows_per_s > model.arms[1].rows_per_s > 0
    assert model.log_bytes
    assert sorted(one.pid for one in found.workers) == sorted(busy.workers())
    assert all(one.ready and one.memory > 1 << 20 for one in found.workers)
    assert found.disk_free
    assert found.where == f"port {busy.port}"


def test_the_same_over_the_network(busy: Running) -> None:
    found = top.once(top.asking(f"http://127.0.0.1:{busy.port}"), 2.0)
    assert PER_S * 0.2 < found.requests_per_s < PER_S * 2
    (model,) = found.models
    assert [(arm.arm, arm.share) for arm in model.arms] == [("champion", 0.75), ("canary", 0.25), ("shadow", 1.0)]
    assert len(found.workers) == 2
    assert (found.disk_free, model.log_bytes) == (None, None)


def test_the_command_fits_into_80_columns(folder: Path, busy: Running) -> None:
    done = run(folder, "--once")
    assert done.returncode == 0, done.stderr
    assert "requests/s" in done.stdout
    assert "champion" in done.stdout
    found = top.once(lambda: looks.of_project(folder / ".seaway"), 1.5)
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(drawn(found))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= 80
    shown = "\n".join(lines)
    assert "…" not in shown, shown


def test_the_live_view_is_drawn_until_q(folder: Path, busy: Running) -> None:
    """On a terminal of 80 columns; a server that goes away is told, and the terminal is left as it was."""
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (40, 80))
    former = termios.tcgetattr(slave)
    command = [sys.executable, "-c", "from seaway.cli.main import main; main()", "top", "--every", "1s"]
    told = os.environ | {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "40"}
    process = subprocess.Popen(command, cwd=folder, stdin=slave, stdout=slave, stderr=slave, env=told)
    shown, until = b"", time.monotonic() + 20
    try:
        while b"champion" not in shown and time.monotonic() < until:
            if select.select([master], [], [], 0.2)[0]:
                shown += os.read(master, 65536)
        assert b"champion" in shown, shown
        os.write(master, b"q")
        while process.poll() is None and time.monotonic() < until + 10:
            if select.select([master], [], [], 0.1)[0]:
                os.read(master, 65536)
        assert process.poll() == 0
        assert termios.tcgetattr(slave) == former
    finally:
        process.kill()
        process.wait()
        os.close(slave)
        os.close(master)


def test_a_document_for_scripts(folder: Path, busy: Running) -> None:
    done = run(folder, "--json", "--every", "1s")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["models"][0]["arms"][1]["arm"] == "canary"
    assert {"requests_per_s", "p50_ms", "p99_ms", "workers", "disk_free"} <= set(document)


def test_no_server_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / project.SETTINGS).write_text('[project]\nname = "credit"\n')
    done = run(tmp_path, "--once")
    assert done.returncode == 3
    assert "No server of this project is running" in done.stderr
    assert "seaway serve" in done.stderr
    with pytest.raises(Unavailable, match="No server of this project"):
        looks.of_project(tmp_path / ".seaway")


def test_metrics_are_read_back_from_their_text() -> None:
    tally = Tally()
    for number in range(50):
        tally.request("/v1/predict", 200 if number % 3 else 422, 'odd "name"\n', "abc", 0.0004 * number)
    tally.count("seaway_worker_starts", ("0",))
    written = tally.snapshot({"seaway_ready": {("0",): 1.0}})
    found = metrics.parse(metrics.exposition(written, []).decode())
    assert sorted(found.counts) == sorted(written.counts)
    assert found.gauges == written.gauges
    ((labels, buckets, total),) = found.seconds
    assert (labels, buckets) == (written.seconds[0][0], written.seconds[0][1])
    assert total == pytest.approx(written.seconds[0][2])


def test_quantiles_lie_in_their_bucket() -> None:
    buckets = [0] * (len(BUCKETS) + 1)
    assert top._quantile(buckets, 0.5) is None
    buckets[3] = 100
    assert 2.5 < (top._quantile(buckets, 0.5) or 0) <= 5.0
    buckets[-1] = 1000
    assert top._quantile(buckets, 0.99) == 1000 * BUCKETS[-1]
