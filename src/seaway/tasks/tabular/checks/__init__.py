"""Checks that know what a table's answers mean, by stage."""

from __future__ import annotations

from collections.abc import Mapping

from seaway.core.protocols import Check
from seaway.tasks.tabular.checks.t101_calibration import Calibration

CHECKS: Mapping[str, tuple[Check, ...]] = {"lab": (Calibration(),)}
"""Add a check here."""
