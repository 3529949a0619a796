"""Where a candidate comes from: packages, code, settings, data. No time, host or path."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec

from seaway.core import canonical
from seaway.core.candidate import Lineage
from seaway.core.dataset import Dataset, Split
from seaway.core.settings import Settings
from seaway.lab.journal import Trial

PACKAGES = ("seaway", "numpy", "scipy", "scikit-learn", "lightgbm", "optuna", "polars", "onnx", "msgspec")
GIT_S = 10.0


def lineage(data: Dataset, settings: Settings, trials: Sequence[Trial], folder: Path) -> Lineage:
    """Return everything a replay needs."""
    return Lineage(
        fingerprint=data.fingerprint,
        split=split_of(data.split),
        settings={
            "train": msgspec.to_builtins(settings.train),
            "split": msgspec.to_builtins(settings.split),
        },
        seed=settings.train.seed,
        trials=tuple(
            {
                "number": trial.number,
                "model": trial.model,
                "params": trial.record.params,
                "scores": dict(trial.scores),
                "learnt": list(trial.record.learnt),
            }
            for trial in trials
        ),
        packages=packages(),
        git=git(folder),
    )


def identity(data: Dataset, settings: Settings) -> str:
    """Return the digest of what fixes a run's work: two runs with the same one may continue each other."""
    train = msgspec.to_builtins(settings.train)
    work = {
        "fingerprint": data.fingerprint,
        "contract": data.contract.digest,
        "split": split_of(data.split),
        "part": hashlib.sha256(data.split.part.tobytes()).hexdigest(),
        "folds": settings.split.folds,
        **{name: train[name] for name in ("trials", "search", "preset", "seed", "metric", "calibrate")},
    }
    return canonical.digest(canonical.encode(work))


def split_of(split: Split) -> dict[str, Any]:
    """Return the rule of a split, as JSON has it."""
    return {"rule": split.rule, "seed": split.seed, "shares": list(split.shares)}


def packages() -> dict[str, str]:
    """Return the versions of the libraries that answers depend on."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def git(folder: Path) -> dict[str, str]:
    """Return the commit that `folder` stands at and the digest of what differs from it; empty outside a repository."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return {}
    difference = _git(folder, "diff", "HEAD")
    changed = {"diff": hashlib.sha256(difference).hexdigest()} if difference else {}
    return {"commit": commit.decode().strip(), **changed}


def _git(folder: Path, *words: str) -> bytes | None:
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, timeout=GIT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None  # no git, no repository, or no commit yet
    return done.stdout
