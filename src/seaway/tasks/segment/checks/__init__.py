"""Checks that know what segments are worth, by stage."""

from __future__ import annotations

from collections.abc import Mapping

from seaway.core.protocols import Check
from seaway.tasks.segment.checks.t301_stability import Stability
from seaway.tasks.segment.checks.t302_tiny import Tiny
from seaway.tasks.segment.checks.t303_structure import Structure

CHECKS: Mapping[str, tuple[Check, ...]] = {"lab": (Stability(), Tiny(), Structure())}
"""Add a check here."""
