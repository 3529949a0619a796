"""One check per file, in the order of their codes; the table below is all there is."""

from __future__ import annotations

from seaway.core.verdict import Verdict
from seaway.monitor.checks import (
    m001_numbers,
    m002_categories,
    m003_missing,
    m004_unexpected,
    m005_answers,
    m006_refusals,
    m007_errors,
    m008_latency,
    m009_truth,
    m010_performance,
    m011_sources,
    m012_joins,
    m013_log,
)
from seaway.monitor.look import Look, LookCheck, Stage

CHECKS: tuple[LookCheck, ...] = (
    m001_numbers.CHECK,
    m002_categories.CHECK,
    m003_missing.CHECK,
    m004_unexpected.CHECK,
    m005_answers.CHECK,
    m006_refusals.CHECK,
    m007_errors.CHECK,
    m008_latency.CHECK,
    m009_truth.CHECK,
    m010_performance.CHECK,
    m011_sources.CHECK,
    m012_joins.CHECK,
    m013_log.CHECK,
)


def run(look: Look, *stages: Stage) -> list[Verdict]:
    """Run the checks of the given stages."""
    return [verdict for check in CHECKS if check.stage in stages for verdict in check(look)]
