"""What all tests share: real data where there is some, a free port, a project folder, and the time each folder takes."""

from __future__ import annotations

import os
import socket
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

# One thread per process: test processes share two cores, and a sum in one thread is the same on every machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Machines are shared, so time says nothing about one example; in continuous integration the examples are fixed.
settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, database=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))


def data_folder() -> Path | None:
    """Return the folder of real data: `SEAWAY_SHARED_DATA`, else `shared/data` beside the checkout or above it."""
    named = os.environ.get("SEAWAY_SHARED_DATA")
    if named:
        return Path(named)
    return next((up / "shared" / "data" for up in ROOT.parents if (up / "shared" / "data").is_dir()), None)


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Find a file of real data; skip where there is no such folder, fail where the folder lacks the file."""

    def find(relative: str) -> Path:
        folder = data_folder()
        if folder is None:
            pytest.skip(f"no folder shared/data beside the checkout, so no {relative}; set SEAWAY_SHARED_DATA")
        path = folder / relative
        if not path.exists():
            pytest.fail(f"the folder of real data is there, but {relative} is not in it")
        return path

    return find


@pytest.fixture
def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def loans(tmp_path: Path) -> Path:
    """Write 400 rows of a credit table whose target depends on its columns, with missing and odd cells."""
    rng = np.random.default_rng(7)
    amount = rng.lognormal(8, 0.6, 400).round(2)
    months = rng.integers(6, 60, 400)
    purpose = rng.choice(["car", "home", "study"], 400, p=[0.6, 0.3, 0.1])
    margin = 0.6 * (np.log(amount) - 8) + 0.03 * (months - 30) + 0.8 * (purpose == "study")
    bad = rng.random(400) < 1 / (1 + np.exp(-margin))
    lines = ["amount,months,purpose,outcome"]
    for row in range(400):
        shown = "" if row % 37 == 0 else str(amount[row])
        lines.append(f"{shown},{months[row]},{purpose[row]},{'bad' if bad[row] else 'good'}")
    path = tmp_path / "loans.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def project_folder(tmp_path: Path, loans: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder with `../loans.csv` beside it, ready for `seaway new . --data ../loans.csv`."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


# ------------------------------------------------------------------------------------- the time each folder takes

_seconds: dict[str, float] = defaultdict(float)
_tests: dict[str, set[str]] = defaultdict(set)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up set-up, call and clean-up; under xdist the controller gets each worker's reports here."""
    folder = str(Path(report.nodeid.partition("::")[0]).parent)
    _seconds[folder] += report.duration
    _tests[folder].add(report.nodeid)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table just before pytest's closing line."""
    if not _seconds:
        return
    terminalreporter.section("time per folder")
    for folder in sorted(_seconds, key=lambda name: -_seconds[name]):
        terminalreporter.write_line(f"{_seconds[folder]:8.1f} s  {len(_tests[folder]):5d} tests  {folder}")
    terminalreporter.write_line(f"{sum(_seconds.values()):8.1f} s  {sum(map(len, _tests.values())):5d} tests  in all")
