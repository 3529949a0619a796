"""Server processes: start, restart, drain, and what stands in the way of a start."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seaway.core import segment
from seaway.core.errors import BadInput, NotFound, Unavailable
from seaway.core.event import Prediction
from seaway.core.settings import ServeSettings
from seaway.registry.promote import promote
from seaway.registry.rollout import RegistryRollout
from seaway.registry.store import Registry
from seaway.serve import supervise
from seaway.serve.process import listen
from tests import serving
from tests.serving import ROW, running


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    state = tmp_path_factory.mktemp("released") / "state"
    state.mkdir()
    return state, serving.make_state(state, 2)


@pytest.fixture
def state(released: tuple[Path, list[str]], tmp_path: Path) -> Path:
    return Path(shutil.copytree(released[0], tmp_path / "state"))


@pytest.fixture
def digests(released: tuple[Path, list[str]]) -> list[str]:
    return released[1]


def said(state: Path, port: int) -> str:
    return (state.parent / f"server-{port}.txt").read_text()


def test_it_says_where_it_is_with_a_request_that_works_as_pasted(state: Path, free_port: int) -> None:
    with running(state, free_port) as server:
        server.wait_until(lambda: "Try: curl" in said(state, free_port))
        text = said(state, free_port)
        assert f"Serving at http://127.0.0.1:{free_port}" in text
        pasted = text.partition("Try: ")[2].splitlines()[0]
        told = json.loads(subprocess.run(["bash", "-c", pasted], capture_output=True, check=True).stdout)
        assert told["predictions"][0]["label"] in ("good", "bad")
        assert server.stop() == 0


def test_workers_describe_themselves_and_leave_nothing_behind(state: Path, free_port: int, digests: list[str]) -> None:
    with running(state, free_port) as server:
        (file,) = (state / "serving").glob("*.json")
        told = json.loads(file.read_text())
        assert told["models"] == {"credit": {"release": digests[0], "sequence": 1}}
        assert (told["ready"], told["port"], told["worker"], [told["pid"]]) == (True, free_port, 0, server.workers())
        server.predict()
        assert server.stop() == 0
        assert not list((state / "serving").glob("*.json"))
        assert {path.suffix for path in (state / "log" / "credit").iterdir()} == {".seg"}
        assert len(server.events()) == 1


def test_a_dead_worker_is_replaced_within_two_seconds(state: Path, free_port: int) -> None:
    with running(state, free_port) as server:
        first = server.predict()["request_id"]
        (old,) = server.workers()
        os.kill(old, signal.SIGKILL)
        died = time.monotonic()
        server.wait_until(lambda: server.workers() not in ([], [old]) and server.is_ready())
        assert time.monotonic() - died < 4.0  # two seconds on a machine of its own
        second = server.predict()["request_id"]
        assert second > first
        server.stop()
        assert sorted(one.request_id for one in server.events()) == [first, second]


def test_two_workers_answer_count_and_know_each_others_answers(state: Path, free_port: int) -> None:
    with running(state, free_port, workers=2) as server:
        server.wait_until(lambda: len(list((state / "serving").glob("*.json"))) == 2)
        first = server.predict(request_id="once")
        for _ in range(40):
            assert server.predict(request_id="once") == first
        for _ in range(20):
            server.predict()
        workers = {segment_worker(one) for one in server.events()}
        assert len(server.events()) == 21

        def counted() -> bool:
            text = server.ask("GET", "/metrics")[2]
            return (
                serving.metric(text, "seaway_rows_total", absent=0, arm="champion") == 21
                and serving.metric(text, "seaway_repeats_total", absent=0) == 40
            )

        server.wait_until(counted, 5.0)
        for worker in ("0", "1"):
            assert serving.metric(server.ask("GET", "/metrics")[2], "seaway_ready", worker=worker) == 1
        assert workers <= {0, 1}
        server.stop()


def segment_worker(one: Any) -> int:
    place = segment.place_of(one.request_id)
    assert place is not None
    return place.worker


def test_sigterm_says_not_ready_first_and_finishes_what_it_has(state: Path, free_port: int) -> None:
    """Requests go on over kept connections while the server stops: every reply that began is whole, and none is an error."""
    answered: list[int] = []
    broken: list[str] = []

    def load() -> None:
        body = json.dumps({"rows": [ROW] * 20})
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", free_port, timeout=10)
            try:
                connection.connect()
            except OSError:
                return  # the door is closed: done
            try:
                while True:
                    connection.request("POST", "/v1/predict", body, {"Content-Type": "application/json"})
                    reply = connection.getresponse()
                    json.loads(reply.read())
                    answered.append(reply.status)
                    if reply.headers.get("connection") == "close":
                        break
            except (OSError, http.client.HTTPException) as error:
                broken.append(repr(error))
            finally:
                connection.close()

    with running(state, free_port) as server:
        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        server.wait_until(lambda: len(answered) > 50)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        server.wait_until(lambda: not server.is_ready(), 5.0)
        assert server.process.wait(10) == 0
        assert time.monotonic() - began < 10
        for thread in threads:
            thread.join()
    assert set(answered) == {200}
    assert len(broken) <= 4, broken  # at most one for each caller: accepted by the kernel, read by nobody
    logged = [one for one in server.events() if isinstance(one, Prediction)]
    assert len(logged) >= len(answered)


def test_a_second_server_on_the_same_state_refuses_within_two_seconds(state: Path, free_port: int) -> None:
    with running(state, free_port):
        began = time.monotonic()
        with pytest.raises(Unavailable, match="Another server"):
            supervise.serve(state, ServeSettings(port=0))
        assert time.monotonic() - began < 2.0


def test_a_taken_port_is_named_with_what_to_do(state: Path, free_port: int) -> None:
    told = msgspec.json.encode(ServeSettings(port=free_port)).decode()
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_port))
        other.listen()
        done = subprocess.run(
            [sys.executable, "-c", serving.PARENT, str(state), told], capture_output=True, text=True, check=False
        )
    assert done.returncode == 2
    assert f"Port {free_port} is taken by another program" in done.stderr
    assert f"--port {free_port + 1}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("host", "said"),
    [("0.0.0.0", "has no keys and no TLS"), ("192.0.2.1", "has no keys"), ("example", "has no keys")],
)
def test_a_door_open_to_other_machines_is_refused(state: Path, host: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        supervise.serve(state, ServeSettings(host=host, port=0))


def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    with pytest.raises(BadInput, match=r"cannot listen on '192\.0\.2\.1'"):
        listen("192.0.2.1", 0)


def test_workers_that_cannot_start_end_the_server(state: Path) -> None:
    (state / "log").write_text("no folder")
    heard: list[str] = []
    with pytest.raises(Unavailable, match="Worker 0 does not start"):
        supervise.serve(state, ServeSettings(port=0), say=heard.append)
    assert heard == []


def test_a_source_that_does_not_exist_is_refused_before_anything_starts(state: Path) -> None:
    with pytest.raises(NotFound, match="no source called 'no-such-source'"):
        supervise.serve(state, ServeSettings(port=0), "no-such-source")


def test_workers_end_with_their_parent(state: Path, free_port: int) -> None:
    with running(state, free_port) as server:
        (worker,) = server.workers()
        server.process.kill()
        server.process.wait()

        def is_gone() -> bool:
            try:
                os.kill(worker, 0)
            except ProcessLookupError:
                return True
            return Path(f"/proc/{worker}/stat").read_text().split()[2] == "Z"

        server.wait_until(is_gone, 10.0)
    with running(state, free_port) as again:
        again.predict()


def test_promotions_are_followed_by_every_worker_without_a_failed_request(
    state: Path, free_port: int, digests: list[str]
) -> None:
    registry = Registry(state)
    rollout = RegistryRollout(registry, state / "serving")
    with running(state, free_port, workers=2) as server:
        server.wait_until(lambda: len(rollout.answering()) == 2)
        for number in range(6):
            wanted = digests[(number + 1) % 2]
            now = promote(registry, "credit", wanted, reason="turn", principal="test")
            seen = set()
            until = time.monotonic() + 5.0
            while set(rollout.answering().values()) != {(wanted, now.sequence)}:
                seen.add(server.predict()["release"])
                assert time.monotonic() < until
            assert seen <= set(digests)
            assert {server.predict()["release"] for _ in range(10)} == {wanted}
        server.stop()
