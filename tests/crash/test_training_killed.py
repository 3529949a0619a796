"""Training killed by a signal loses no finished trial, and the same command ends with the same candidate."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

TRAIN = """
import signal
import sys
from pathlib import Path
from seaway.core.chance import monotonic
from seaway.core.settings import load
from seaway.data import build, infer, read
from seaway.lab.train import train
from seaway.tasks.tabular.task import Tabular

class Watch:
    def step(self, done, total, message, left_s):
        import threadpoolctl
        pools = threadpoolctl.threadpool_info()
        assert all(pool["num_threads"] == 1 for pool in pools if pool["user_api"] == "blas"), pools

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background of a shell inherits that it is ignored
rows = read.table(Path(sys.argv[1]))
draft, _ = infer.draft(rows, target="outcome")
settings = load(None, {"train.trials": 10, "train.threads": 2, "split.folds": 3})
data = build.dataset(rows, Tabular().shape(draft, rows, {}), settings)
print(train(data, Tabular(), settings, Path(sys.argv[2]), progress=Watch(), started=monotonic()).digest)
"""


def start(loans: Path, folder: Path) -> subprocess.Popen[str]:
    """Start training in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", TRAIN, str(loans), str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def finished(process: subprocess.Popen[str]) -> str:
    """Wait for the digest."""
    out, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    return out.strip()


def lines(folder: Path) -> int:
    """Count the journal's whole lines."""
    path = folder / "journal.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def killed(loans: Path, folder: Path, after: int, number: signal.Signals) -> int:
    """Train until the journal has so many lines, send the signal, and return how many lines there are then."""
    process = start(loans, folder)
    while lines(folder) < after:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.002)
    process.send_signal(number)
    told = process.communicate(timeout=60)
    assert process.returncode != 0, told
    return lines(folder)


@pytest.mark.slow
def test_the_same_end_whatever_kills_it(loans: Path, tmp_path: Path) -> None:
    """Ctrl-C early in the search, then kill -9 later in it."""
    whole = finished(start(loans, tmp_path / "whole"))
    folder = tmp_path / "killed"
    for after, number in ((2, signal.SIGINT), (7, signal.SIGKILL)):
        kept = killed(loans, folder, after, number)
        assert kept >= after
        assert not (folder / "candidate.json").exists()
    journal = (folder / "journal.jsonl").read_bytes()
    assert finished(start(loans, folder)) == whole
    assert (folder / "journal.jsonl").read_bytes().startswith(journal)  # what was done was not done again
