"""A44: the training process, HTTP, the Open Inference Protocol, batch files and the notebook give one and the same answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars
import pytest

from benchmarks.sets import SETS
from seaway.core import candidate, parity
from seaway.core.batch import Array
from seaway.core.candidate import Candidate
from seaway.workflow import dataset
from seaway.workflow.workspace import open_project
from tests.e2e.projects import Walked, copied
from tests.e2e.shell import Server, seaway
from tests.e2e.tables import TABLES
from tests.parity import doors

TOLERANCE = 1e-6


@dataclass(frozen=True)
class Asked:
    """Rows, what the training process answered, and a file that holds the same rows."""

    rows: list[dict[str, Any]]
    expected: Mapping[str, Array]
    source: Path


@dataclass(frozen=True)
class Trained:
    """A released run: the candidate as the training process left it, its bundle and a server that answers with it."""

    folder: Path
    bundle: Path
    candidate: Candidate
    server: Server

    def real(self, place: Path) -> Asked:
        """Return the held-out rows of the data with the native model's answers, and as CSV."""
        target = self.candidate.contract.target
        assert target is not None
        workspace = open_project(self.folder)
        records = dataset.load(workspace).rows.records(self.candidate.witness.real)
        rows = [{name: value for name, value in row.items() if name != target.name} for row in records]
        polars.DataFrame(rows, infer_schema_length=None).write_csv(place / "real.csv")
        return Asked(rows, self.candidate.witness.real_answers, place / "real.csv")

    def made(self, place: Path) -> Asked:
        """Return the rows made from the contract: every category, missing, unseen, extremes, thresholds and neighbours."""
        rows = [dict(query.rows[0]) for query in self.candidate.witness.queries]
        names = list(dict.fromkeys(name for row in rows for name in row))
        full = [{name: row.get(name) for name in names} for row in rows]
        polars.DataFrame(full, infer_schema_length=None, strict=False).write_parquet(place / "made.parquet")
        return Asked(rows, self.candidate.witness.answers, place / "made.parquet")

    def hold(self, asked: Asked) -> None:
        """Ask in every way and compare with the training process."""
        contract = self.candidate.contract
        found = {
            "HTTP JSON": doors.over_http(self.server, asked.rows, contract),
            "V2": doors.over_v2(self.server, asked.rows, contract),
            "seaway score": doors.by_file(self.folder, asked.source, contract),
            "sw.load().predict": doors.in_process(self.bundle, asked.rows, contract),
        }
        for door, answers in found.items():
            difference = parity.compare(asked.expected, answers, contract, TOLERANCE)
            assert difference.cases == len(asked.rows)
            assert difference.holds, f"{door}: {difference}"
            assert difference.near == 0, f"{door}: decisions at a tie: {difference}"


def _trained(project: Walked, server: Server) -> Trained:
    run = project.folder / ".seaway" / "runs" / project.steps["train"]["run"]
    return Trained(project.folder, Path(project.steps["release"]["folder"]), candidate.load(run), server)


@pytest.fixture(scope="module", params=list(TABLES))
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    project = copied(tmp_path_factory, request.param)
    with Server(project.folder) as server:
        yield _trained(project, server)


def test_held_out_rows(trained: Trained, tmp_path: Path) -> None:
    asked = trained.real(tmp_path)
    assert len(asked.rows) >= 60
    assert (
        any(value is None for row in asked.rows for value in row.values()) or trained.candidate.contract.classes == ()
    )
    trained.hold(asked)


def test_rows_made_from_the_contract(trained: Trained, tmp_path: Path) -> None:
    asked = trained.made(tmp_path)
    contract = trained.candidate.contract
    categories = [column for column in contract.columns if column.kind == "category" and column.role == "feature"]
    assert len(asked.rows) >= 100
    for column in categories:
        sent = {row.get(column.name) for row in asked.rows}
        assert None in sent, f"{column.name} is missing in no row"
        assert sent - {None, *column.categories}, f"{column.name} is unseen in no row"
        assert set(column.categories) <= sent
    trained.hold(asked)


# ---------------------------------------------------------------------------------------------- the long form (soak)


@pytest.mark.soak
@pytest.mark.parametrize("name", SETS)
def test_ten_thousand_rows(name: str, shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    """The eight data sets of the path's benchmark, 10,000 rows or all, from a search of full depth."""
    table = SETS[name]
    source = shared_data(table.file)
    seaway(tmp_path, "new", "project", "--data", source, "--target", table.target, *table.options(shared_data("")))
    folder = tmp_path / "project"
    run = seaway(folder, "train", "--trials", "10")
    released = seaway(folder, "release")
    made = candidate.load(folder / ".seaway" / "runs" / run["run"])
    with Server(folder) as server:
        trained = Trained(folder, Path(released["folder"]), made, server)
        trained.hold(trained.made(tmp_path))
        trained.hold(trained.real(tmp_path))
        _hold_all_rows(trained, tmp_path)


def _hold_all_rows(trained: Trained, place: Path) -> None:
    """Ask about 10,000 rows, known ones too: no native answer is kept for those, so the doors must agree among themselves."""
    contract = trained.candidate.contract
    target = contract.target
    assert target is not None
    data = dataset.load(open_project(trained.folder))
    records = data.rows.records()[:10_000]
    rows = [{name: value for name, value in row.items() if name != target.name} for row in records]
    polars.DataFrame(rows, infer_schema_length=None).write_csv(place / "all.csv")
    expected = doors.in_process(trained.bundle, rows, contract)
    trained.hold(Asked(rows, expected, place / "all.csv"))
