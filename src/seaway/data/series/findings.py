"""What is told about the times of series: frequency, gaps, duplicates, zone, daylight saving, and length, each with a verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from seaway.core.contract import Contract
from seaway.core.protocols import Rows
from seaway.core.verdict import Outcome, Verdict
from seaway.data.encode.filling import STATIC
from seaway.data.rows import Table
from seaway.data.series.survey import Survey, survey

MANY = 0.05
"""The share of rows from which a fault is no slip but a wrong contract."""
GAPPY = 0.2
"""The share of gaps from which a coarser frequency may serve better."""
Finding = Callable[[Survey, str], Verdict]


class NewSeries:
    """What `seaway new` tells of series (I010-I016); implements `core.protocols.Check` over (rows, contract)."""

    code = "I010"

    def __call__(self, subject: tuple[Rows, Contract]) -> Sequence[Verdict]:
        """Return a finding for each of frequency, gaps, duplicates, zone, daylight saving, shape and columns."""
        rows, contract = subject
        if contract.series is None or not isinstance(rows, Table):
            return []
        seen = survey(rows, contract)
        told = (frequency, gaps, duplicates, zone, daylight, shape)
        found = [finding(seen, f"I{10 + number:03d}") for number, finding in enumerate(told)]
        return [*found, columns(contract)]


def frequency(seen: Survey, code: str) -> Verdict:
    """Say at which frequency rows come, and how many do not."""
    step, off = seen.clock.frequency.words, int(seen.off_grid.sum())
    if not off:
        return _verdict(code, "pass", "frequency", f"{len(seen.ids)} series of one row per {step}", value=0.0)
    share = off / max(seen.rows, 1)
    return _verdict(
        code,
        "fail" if share > MANY else "warn",
        "frequency",
        f"{off} rows ({share:.2%}) do not lie a whole number of steps (one {step}) from the first of their series, "
        f"for example {seen.example(seen.off_grid)}; training leaves them out",
        "Correct their times, or set `frequency` under [series] in contract.toml.",
        value=share,
        limit=MANY,
    )


def gaps(seen: Survey, code: str) -> Verdict:
    """Say how many periods have no row."""
    holes, policy = int(seen.holes.sum()), seen.contract.series.gaps if seen.contract.series else ""
    if not holes:
        return _verdict(code, "pass", "gaps", "Every period between the first and the last row has one", value=0.0)
    share, broken = holes / max(seen.span, 1), int((seen.holes > 0).sum())
    meant = {"missing": "their value counts as unknown", "zero": "their value counts as 0", "error": "they are refused"}
    outcome: Outcome = "fail" if policy == "error" else "warn" if share > GAPPY else "pass"
    return _verdict(
        code,
        outcome,
        "gaps",
        f"{holes} periods ({share:.2%}) of {broken} series have no row: {meant.get(policy, '')}",
        'Set `gaps` under [series] in contract.toml to "missing", "zero" or "error", or bring the rows.',
        value=share,
        limit=GAPPY,
    )


def duplicates(seen: Survey, code: str) -> Verdict:
    """Say how many rows stand at the same time as another of their series."""
    count = int(seen.duplicate.sum())
    if not count:
        return _verdict(code, "pass", "duplicates", "No series has two rows of one time", value=0.0)
    where = seen.example(seen.duplicate)
    named = [column.name for column in seen.contract.having("id")]
    hint = "name the column that tells series apart with --id" if not named else "name the id column that is missing"
    return _verdict(
        code,
        "fail",
        "duplicates",
        f"{count} rows stand at the time of another row of their series, for example {where}",
        f"Keep one row per series and time (equal rows are left out by themselves), or {hint}.",
        value=float(count),
    )


def zone(seen: Survey, code: str) -> Verdict:
    """Say how times are read."""
    if seen.clock.frequency.is_civil:
        return _verdict(
            code, "not-applicable", "zone", "Days and longer steps are dates of the calendar: no zone matters"
        )
    name = seen.contract.series.zone if seen.contract.series else "UTC"
    if seen.has_offsets:
        return _verdict(code, "pass", "zone", f"Times carry their offset from UTC; answers show those of {name}")
    if name == "UTC":
        return _verdict(
            code,
            "pass",
            "zone",
            "Times carry no offset: they are taken as UTC, in which no hour is missing and none stands twice",
            "If clocks on the wall wrote them, say where: --zone Europe/Berlin, or `zone` under [series].",
        )
    return _verdict(code, "pass", "zone", f"Times without an offset are what clocks showed in {name}")


def daylight(seen: Survey, code: str) -> Verdict:
    """Say what daylight saving does to the rows."""
    if seen.clock.frequency.is_civil:
        return _verdict(code, "not-applicable", "daylight saving", "Clocks do not change dates of the calendar")
    never, twice = int(seen.never.sum()), int(seen.twice.sum())
    if never:
        name = seen.clock.zone.name if seen.clock.zone else "UTC"
        return _verdict(
            code,
            "fail",
            "daylight saving",
            f"Clocks in {name} never showed the times of {never} rows: they were set forward over them",
            "The times may be UTC or winter time all year: set `zone` under [series] in contract.toml.",
            value=float(never),
        )
    if seen.clock.zone is None and not seen.has_offsets and seen.changes_clocks:
        return _verdict(
            code,
            "fail",
            "daylight saving",
            "Times stand twice where clocks are set back, on Sunday nights in autumn: they are no UTC",
            "Name the zone of the clocks that wrote them with --zone, or `zone` under [series] in contract.toml.",
        )
    if twice:
        return _verdict(
            code,
            "pass",
            "daylight saving",
            f"{twice} rows lie in hours that clocks show twice: by their offset, or the first row is the first hour's",
            value=float(twice),
        )
    return _verdict(code, "pass", "daylight saving", "No row lies in an hour that clocks skip or show twice")


def shape(seen: Survey, code: str) -> Verdict:
    """Say how long the series are beside what is asked of them."""
    series = seen.contract.series
    assert series is not None  # a survey is of series
    least = 2 * series.horizon + 1
    short = int((seen.lengths < least).sum())
    longest = int(seen.lengths.max(initial=0))
    told = (
        f"Season {series.season}, horizon {series.horizon}, history {series.history} rows; "
        f"series have {int(np.median(seen.lengths)) if len(seen.lengths) else 0} known values at the median"
    )
    if not short:
        return _verdict(code, "pass", "length", told, "Set them under [series] in contract.toml if they are others.")
    return _verdict(
        code,
        "fail" if longest < least else "warn",
        "length",
        f"{short} of {len(seen.lengths)} series are shorter than {least} known values: they teach, but cannot judge. {told}",
        "Bring longer series, or set a shorter horizon.",
        value=float(short),
    )


def columns(contract: Contract) -> Verdict:
    """Say which features are known ahead."""
    features = [column for column in contract.having("feature") if column.encoded]
    ahead = [column.name for column in features if column.ahead and column.part != STATIC]
    static = [column.name for column in features if column.part == STATIC]
    past = [column.name for column in features if not column.ahead and column.part != STATIC]
    told = [
        f"{what}: {', '.join(names)}" for what, names in (("known ahead", ahead), ("never changing", static)) if names
    ]
    told += [f"known only afterwards: {', '.join(past)}"] if past else []
    message = f"Features {'; '.join(told)}" if told else "There are no features beside the time and the target"
    fix = f"Which of {', '.join(past)} is known ahead? Name it with --ahead, or `ahead = true` in contract.toml."
    return _verdict("I016", "pass", "features", message, fix if past else "")


def _verdict(code: str, outcome: Outcome, subject: str, message: str, fix: str = "", **figures: Any) -> Verdict:
    return Verdict(code=code, outcome=outcome, subject=subject, message=message, fix=fix, **figures)
