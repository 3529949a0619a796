"""`seaway check`: profile the data, hold them to the contract, run the checks, draw what one would rather look at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seaway.core import chance, durable
from seaway.core.contract import Contract
from seaway.core.errors import Cell
from seaway.core.protocols import Rows
from seaway.core.verdict import Outcome, Verdict, worst
from seaway.data import checks, prepared, validate
from seaway.workflow import check_page, dataset
from seaway.workflow.workspace import Workspace

NAME = "data.html"
SPLIT_CHECK = "D006"
"""The check that looks at the rows that teach and the rows that judge side by side."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What was found, and where the page is."""

    source: str
    rows: int
    contract: Contract
    verdicts: tuple[Verdict, ...]
    cells: tuple[Cell, ...]
    broken: int
    report: Path

    @property
    def outcome(self) -> Outcome:
        """The gravest finding."""
        return worst(self.verdicts)


def check(workspace: Workspace, file: Path | str | None = None) -> Checked:
    """Look at the project's data, or at another file under the project's contract, and write the page."""
    path = workspace.source(str(file) if file else "")
    contract = workspace.contract
    rows = prepared.table(path, workspace.settings, contract if file else None)
    held = validate.validate(rows, contract)
    found = [*checks.run((rows, contract)), *_of_task(workspace, rows)]
    if workspace.settings.project.recipe:
        found += prepared.verdicts(path, workspace.settings, contract)
    if file is None:  # only the project's own data are split, so only they can overlap
        found = [verdict for verdict in found if verdict.code != SPLIT_CHECK]
        found += checks.run(dataset.load(workspace, rows), only=(SPLIT_CHECK,))
    verdicts = sorted(found, key=lambda verdict: verdict.code)
    reports = workspace.project.make().reports
    reports.mkdir(exist_ok=True)
    page = check_page.build(held, contract, verdicts, source=path.name, project=workspace.model, made=chance.now())
    durable.write(reports / NAME, page.encode())
    return Checked(
        source=str(path),
        rows=len(rows),
        contract=contract,
        verdicts=tuple(verdicts),
        cells=held.cells,
        broken=len(held.broken),
        report=reports / NAME,
    )


def _of_task(workspace: Workspace, rows: Rows) -> list[Verdict]:
    """Return what the project's kind of problem has to say about the data."""
    return [verdict for check in workspace.task.checks("data") for verdict in check((rows, workspace.contract))]
