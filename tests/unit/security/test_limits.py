"""Limits on callers, kept in a file that processes share."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from seaway.security.limits import SOURCES, Limiter, Moments, slot_of, source_of

ASK = """
import sys
from pathlib import Path
from seaway.security.limits import Limiter
limiter = Limiter(Path(sys.argv[1]))
print(sum(limiter.take(3, 0.001, 40) == 0 for _ in range(100)))
"""


def test_a_burst_then_a_rate(tmp_path: Path) -> None:
    limiter = Limiter(tmp_path / "limits")
    waits = [limiter.take(0, 20.0, 3) for _ in range(5)]
    assert waits[:3] == [0, 0, 0]
    assert all(0 < wait <= 0.05 for wait in waits[3:])
    assert limiter.take(1, 20.0, 3) == 0
    time.sleep(max(waits) + 0.01)
    assert limiter.take(0, 20.0, 3) == 0
    limiter.close()


def test_processes_share_one_limit(tmp_path: Path) -> None:
    path = tmp_path / "limits"
    asking = [subprocess.Popen([sys.executable, "-c", ASK, str(path)], stdout=subprocess.PIPE) for _ in range(3)]
    assert sum(int(one.communicate()[0]) for one in asking) == 40


def test_a_moment_from_before_the_machines_last_start_is_no_limit(tmp_path: Path) -> None:
    moments = Moments(tmp_path / "limits")
    moments[7] = time.monotonic() + 1e6
    moments.close()
    limiter = Limiter(tmp_path / "limits")
    assert limiter.take(7, 1.0) == 0
    assert limiter.take(7, 1.0) > 0
    limiter.close()


@pytest.mark.parametrize(
    ("address", "source"),
    [("10.1.2.3", "10.1.2.3"), ("::ffff:10.1.2.3", "10.1.2.3"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
     ("2001:db8:1:2:9:9:9:9", "2001:db8:1:2::/64"), ("", ""), ("unix", "unix")],
)  # fmt: skip
def test_one_caller_is_one_source(address: str, source: str) -> None:
    assert source_of(address) == source
    assert 0 <= slot_of(source) < SOURCES
