"""A disk whose fsync fails once: what was to be made durable is not acknowledged, and nothing is until a new process has looked (A07).

The kernel may have dropped the pages and report success to the next fsync (fsyncgate), so that trying again proves nothing.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests import serving
from tests.crash.ledger import load, missing, told
from tests.crash.rig import Fault, failing, tracer

RATE = 100


def a_failing_sync(folder: Path, port: int, call: str, fault: Fault) -> tuple[int, int]:
    """Let one call of a serving worker fail under load; return how many answers were acknowledged before, and requests refused."""
    strace, state = tracer(), folder / "state"
    state.mkdir()
    serving.make_state(state)
    with serving.running(state, port, segment_bytes=30_000) as server:
        (worker,) = server.workers()
        with load(port, RATE) as clients:
            server.wait_until(lambda: len(told(clients)[0]) > 20)
            with failing(strace, worker, call, fault):
                server.wait_until(lambda: sum(client.refused.total() for client in clients) > 0)
            time.sleep(0.2)  # answers on their way to a client when the disk failed
            answered = len(told(clients)[0])
            refused = sum(client.refused.total() for client in clients)
            server.wait_until(lambda: sum(client.refused.total() for client in clients) > refused + 20)
            assert len(told(clients)[0]) == answered, "it acknowledged after a failed sync"
            assert server.workers() == [worker]
            status, _, said = server.ask("GET", "/health/ready")
            assert status == 503
            assert said["reasons"] == ["The event log of 'credit' cannot be made durable"]
        server.stop()
    answers, labelled = told(clients)
    assert {reason for client in clients for reason in client.refused} == {"503 log-unavailable"}
    with serving.running(state, port) as server:
        server.predict()
        assert server.stop() == 0
    assert missing(state, answers, labelled) == (0, 0, 0)
    assert {path.suffix for path in (state / "log" / "credit").iterdir()} == {".seg"}
    return len(answers), sum(client.refused.total() for client in clients)


def test_nothing_is_acknowledged_after_a_failed_sync(tmp_path: Path, free_port: int) -> None:
    a_failing_sync(tmp_path, free_port, "fdatasync", "EIO")


@pytest.mark.soak
@pytest.mark.parametrize(("call", "fault"), [("fdatasync", "EIO"), ("fdatasync", "ENOSPC"), ("fsync", "EIO")])
def test_every_kind_of_failed_sync(tmp_path: Path, free_port: int, call: str, fault: Fault) -> None:
    """fsync is called where a segment is sealed and where a new one gets its name."""
    held, refused = a_failing_sync(tmp_path, free_port, call, fault)
    print(
        f"\nA07 {call} {fault} once: {held} answers acknowledged before it are there, 0 after it; {refused} refused with 503"
    )
