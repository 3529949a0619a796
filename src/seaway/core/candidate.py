"""The second paper: a fitted model in exported form, with the evidence of what it answers and how well."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from seaway.core import canonical, durable
from seaway.core.batch import Array, Json, Outcomes, Query
from seaway.core.contract import Contract
from seaway.core.errors import Malformed, NotFound, Unavailable


@dataclass(frozen=True, kw_only=True)
class Program:
    """What an engine runs: data only, files by relative name, and the extras that running it needs."""

    engine: str
    files: Mapping[str, bytes]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Witness:
    """The native model's own answers: what every other way of asking must repeat.

    `queries` are made from the contract, one case each (they ship as parity vectors); `answers` by output name, one per
    case; `real` are the asked rows of the data, by number, whose cases have `real_answers`; they stay in the run.
    `tolerance` is relative to max(1, |value|).
    """

    queries: Sequence[Query]
    answers: Mapping[str, Array]
    real: Array
    real_answers: Mapping[str, Array]
    tolerance: float = 1e-6


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """A metric's value with its bootstrap interval over `n` cases."""

    value: float
    low: float
    high: float
    n: int


class Lineage(msgspec.Struct, frozen=True, kw_only=True):
    """Where a candidate comes from; everything a replay needs, and no time, host or path."""

    fingerprint: str
    split: dict[str, Any]
    settings: dict[str, Any]
    seed: int
    trials: tuple[dict[str, Any], ...]
    packages: dict[str, str]
    git: dict[str, str]
    parent: str = ""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Members with their weights, blended in `margin` or `output` space, then finished into the contract's outputs.

    `scores` are on the test rows ("test.<metric>") and on out-of-fold rows ("oof.<metric>"). `profile` is the canonical
    JSON of the reference statistics of the training rows and answers.
    """

    contract: Contract
    members: Sequence[tuple[Program, float]]
    blend: Literal["margin", "output"]
    finish: Program | None
    witness: Witness
    oof: Outcomes
    test: Outcomes
    scores: Mapping[str, Score]
    trials: Sequence[Mapping[str, Json]]
    lineage: Lineage
    profile: bytes
    figures: Mapping[str, Json] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Content digest over contract, programs, blend and lineage; free of times and hosts."""
        programs = [*self.members, *([(self.finish, 1.0)] if self.finish else [])]
        return canonical.digest(
            canonical.encode(
                {
                    "contract": self.contract.digest,
                    "blend": self.blend,
                    "programs": [
                        {
                            "engine": program.engine,
                            "weight": weight,
                            "files": {name: canonical.digest(data) for name, data in program.files.items()},
                        }
                        for program, weight in programs
                    ],
                    "fingerprint": self.lineage.fingerprint,
                    "split": self.lineage.split,
                    "seed": self.lineage.seed,
                }
            )
        )


def save(candidate: Candidate, folder: Path) -> None:
    """Write a candidate into `folder`, whole or not at all: the index is taken away first and written last."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / INDEX).unlink(missing_ok=True)
    programs = []
    for place, (program, weight) in enumerate([*candidate.members, *_finish_of(candidate)]):
        for name, data in program.files.items():
            _write(folder / "programs" / str(place) / name, data)
        programs.append(
            {"engine": program.engine, "needs": program.needs, "files": sorted(program.files), "weight": weight}
        )
    _write(folder / "witness.npz", _arrays(candidate.witness.answers))
    _write(folder / "real.npz", _arrays({"": candidate.witness.real, **candidate.witness.real_answers}))
    _write(folder / "oof.npz", _outcomes(candidate.oof))
    _write(folder / "test.npz", _outcomes(candidate.test))
    _write(folder / "profile.json", candidate.profile)
    index = {
        "format": FORMAT,
        "digest": candidate.digest,
        "contract": candidate.contract,
        "programs": programs,
        "finish": candidate.finish is not None,
        "blend": candidate.blend,
        "queries": list(candidate.witness.queries),
        "tolerance": candidate.witness.tolerance,
        "scores": candidate.scores,
        "trials": list(candidate.trials),
        "lineage": candidate.lineage,
        "figures": candidate.figures,
    }
    durable.write(folder / INDEX, canonical.encode(index))


def load(folder: Path) -> Candidate:
    """Read a candidate back; its programs are bytes until an engine has walked them."""
    path = folder / INDEX
    if not path.exists():
        raise NotFound(
            "No finished candidate here", where=str(folder), fix="Let the run finish: `seaway train` resumes it."
        )
    try:
        return _read(folder, msgspec.json.decode(path.read_bytes()))
    except (OSError, EOFError, msgspec.DecodeError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise _damaged(folder, str(error)) from None


def _read(folder: Path, index: Any) -> Candidate:
    if int(index["format"]) > FORMAT:
        raise Unavailable(
            f"The candidate has format {index['format']}, this version reads {FORMAT}; nothing was changed",
            where=str(folder),
            fix="Use the Seaway version that trained it, or a newer one.",
            code="newer-format",
        )
    programs = [
        (
            Program(
                engine=entry["engine"],
                needs=tuple(entry["needs"]),
                files={name: (folder / "programs" / str(place) / name).read_bytes() for name in entry["files"]},
            ),
            float(entry["weight"]),
        )
        for place, entry in enumerate(index["programs"])
    ]
    finish = programs.pop()[0] if index["finish"] else None
    real = _read_arrays(folder / "real.npz")
    found = Candidate(
        contract=msgspec.convert(index["contract"], Contract),
        members=programs,
        blend=index["blend"],
        finish=finish,
        witness=Witness(
            queries=msgspec.convert(index["queries"], list[Query]),
            answers=_read_arrays(folder / "witness.npz"),
            real=real.pop(""),
            real_answers=real,
            tolerance=float(index["tolerance"]),
        ),
        oof=_read_outcomes(folder / "oof.npz"),
        test=_read_outcomes(folder / "test.npz"),
        scores={name: _read_score(score) for name, score in index["scores"].items()},
        trials=index["trials"],
        lineage=msgspec.convert(index["lineage"], Lineage),
        profile=(folder / "profile.json").read_bytes(),
        figures=index["figures"],
    )
    if found.digest != index["digest"]:
        raise _damaged(folder, "its parts are not those that were saved")
    return found


FORMAT = 1
INDEX = "candidate.json"


def _damaged(folder: Path, why: str) -> Malformed:
    return Malformed(
        f"The candidate cannot be read: {why}",
        where=str(folder),
        fix="Restore the run's folder from a backup, or train again: the same command repeats the run.",
        code="damaged-candidate",
    )


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    durable.write(path, data)


def _finish_of(candidate: Candidate) -> list[tuple[Program, float]]:
    return [(candidate.finish, 1.0)] if candidate.finish else []


def _arrays(arrays: Mapping[str, Array]) -> bytes:
    # Keys carry a prefix because numpy takes the first argument's name "file" for itself.
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **{f"a.{name}": values for name, values in arrays.items()})
    return file.getvalue()


def _read_arrays(path: Path) -> dict[str, Array]:
    with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
        return {name.removeprefix("a."): stored[name] for name in stored.files}


def _outcomes(outcomes: Outcomes) -> bytes:
    optional = {"truth": outcomes.truth, "weight": outcomes.weight, "scale": outcomes.scale}
    return _arrays(
        {
            "case": outcomes.case,
            "step": outcomes.step,
            **{name: values for name, values in optional.items() if values is not None},
            **{f"answer.{name}": values for name, values in outcomes.answer.items()},
        }
    )


def _read_score(score: Mapping[str, Json]) -> Score:
    """Read a score; JSON has no NaN, so a figure that nobody knows stands as null."""
    value, low, high = (float("nan") if score[name] is None else score[name] for name in ("value", "low", "high"))
    return Score(value=value, low=low, high=high, n=score["n"])


def _read_outcomes(path: Path) -> Outcomes:
    arrays = _read_arrays(path)
    return Outcomes(
        answer={name.removeprefix("answer."): values for name, values in arrays.items() if name.startswith("answer.")},
        truth=arrays.get("truth"),
        case=arrays["case"],
        step=arrays["step"],
        weight=arrays.get("weight"),
        scale=arrays.get("scale"),
    )
