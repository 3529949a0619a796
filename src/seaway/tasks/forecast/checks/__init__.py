"""Checks that know what a forecast's answers mean, by stage."""

from __future__ import annotations

from collections.abc import Mapping

from seaway.core.protocols import Check
from seaway.data.series.findings import NewSeries
from seaway.tasks.forecast.checks.t201_coverage import Coverage
from seaway.tasks.forecast.checks.t202_seasonal import Seasonal
from seaway.tasks.forecast.checks.t203_origins import Origins
from seaway.tasks.forecast.checks.t204_short import Short

CHECKS: Mapping[str, tuple[Check, ...]] = {
    "new": (NewSeries(),),
    "lab": (Coverage(), Seasonal(), Origins(), Short()),
}
"""Add a check here."""
