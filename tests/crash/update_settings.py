"""Settings of the update that the crash tests kill: quick, and decided by the same code as in production."""

from __future__ import annotations

from tests.unit.update import loans

SETTINGS = loans.with_update(
    loans.SETTINGS, labels=150, margin=0.04, shadow=30, canary=(0.5,), canary_cases=30, latency=50.0, wait_s=60.0
)
