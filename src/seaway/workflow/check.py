"""`seaway check`: profile the data, hold them to the contract, run the checks, draw what one would rather look at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seaway.core import chance, durable
from seaway.core.contract import Contract
from seaway.core.errors import Cell, Malformed
from seaway.core.protocols import Rows
from seaway.core.verdict import Outcome, Verdict, worst
from seaway.data import blocks, checks, prepared, validate
from seaway.data.checks import large
from seaway.data.rows import Table
from seaway.data.sources.address import Source
from seaway.data.tally import distinct, looking
from seaway.lab.progress import Progress, Silent
from seaway.workflow import check_page, dataset
from seaway.workflow.check_page import Looked
from seaway.workflow.workspace import Workspace

NAME = "data.html"
SPLIT_CHECK = "D006"
"""The check that looks at the rows that teach and the rows that judge side by side."""

WHOLE = 64 << 20
"""Files up to this many bytes (unpacked, at a guess) are looked at with all rows in memory."""


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


def check(
    workspace: Workspace, file: Path | str | None = None, *, whole: int = WHOLE, progress: Progress | None = None
) -> Checked:
    """Look at the project's data, or at another file under the project's contract, and write the page.

    A file of more than `whole` bytes is looked at piece by piece, in memory that does not grow with it; series and recipes
    need all rows side by side, so theirs are read at once whatever they hold.
    """
    path = workspace.source(str(file) if file else "")
    contract = workspace.contract
    may_be_cut = contract.series is None and not workspace.settings.project.recipe
    try:
        if may_be_cut and _is_large(path, whole):
            held, verdicts = _by_piece(workspace, path, progress or Silent())
        else:
            held, verdicts = _at_once(workspace, path, is_own=file is None)
    except Malformed as error:
        if error.code != "ragged" or not may_be_cut:
            raise
        held, verdicts = _by_piece(workspace, path, progress or Silent())  # which tells every torn line
    verdicts = sorted(verdicts, key=lambda verdict: verdict.code)
    reports = workspace.project.make().reports
    reports.mkdir(exist_ok=True)
    page = check_page.build(held, contract, verdicts, source=path.name, project=workspace.model, made=chance.now())
    durable.write(reports / NAME, page.encode())
    return Checked(
        source=str(path),
        rows=held.rows,
        contract=contract,
        verdicts=tuple(verdicts),
        cells=tuple(held.cells),
        broken=held.broken,
        report=reports / NAME,
    )


def _is_large(source: Source, whole: int) -> bool:
    """Say whether a source may hold more than what is looked at in memory; a server does not say beforehand."""
    if isinstance(source, Path):
        return not blocks.is_small(source, whole)
    return source.path is None or source.path.stat().st_size > whole


def _at_once(workspace: Workspace, path: Source, *, is_own: bool) -> tuple[Looked, list[Verdict]]:
    contract = workspace.contract
    rows = prepared.table(path, workspace.settings, None if is_own else contract)
    held = validate.validate(rows, contract)
    found = [*checks.run((rows, contract)), *_of_task(workspace, rows)]
    if workspace.settings.project.recipe:
        found += prepared.verdicts(path, workspace.settings, contract)
    if is_own:  # only the project's own data are split, so only they can overlap
        found = [verdict for verdict in found if verdict.code != SPLIT_CHECK]
        found += checks.run(dataset.load(workspace, rows), only=(SPLIT_CHECK,))
    return check_page.looked(held, contract), found


def _by_piece(workspace: Workspace, path: Source, shown: Progress) -> tuple[Looked, list[Verdict]]:
    total, began = blocks.about(path), chance.monotonic()

    def show(rows: int) -> None:
        left = (chance.monotonic() - began) * max(0, total - rows) / max(1, rows)
        shown.step(rows, max(rows, total), f"{rows:,} rows looked at", left)

    found, plan = looking.look(path, workspace.contract, progress=show)
    sample = Table(found.drawn.settled.rows)
    verdicts = [*large.run(found, plan), *_of_task(workspace, sample)]
    held = Looked(
        rows=found.rows,
        broken=found.broken,
        count=found.count,
        cells=found.cells,
        described={one.name: one for one in found.described(plan)},
        note=f" Cells are counted over all rows, distinct values beyond {distinct.CAP:,} by an estimate; what needs rows side"
        f" by side was looked at in {len(sample):,} of them, drawn at random.",
    )
    return held, verdicts


def _of_task(workspace: Workspace, rows: Rows) -> list[Verdict]:
    """Return what the project's kind of problem has to say about the data."""
    return [verdict for check in workspace.task.checks("data") for verdict in check((rows, workspace.contract))]
