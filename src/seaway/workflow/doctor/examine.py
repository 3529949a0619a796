"""`seaway doctor`: one finding per question, of the machine always and of the project where there is one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from seaway.core.errors import SeawayError
from seaway.core.verdict import Verdict
from seaway.workflow.doctor import files, machine, state, trust
from seaway.workflow.doctor.patient import Patient, say

Check = Callable[[Patient], Verdict]

MACHINE: tuple[tuple[str, str, Check], ...] = (
    ("H001", "packages", machine.packages),
    ("H002", "SQLite", machine.sqlite),
    ("H003", "open files", machine.open_files),
    ("H004", "port", machine.port),
    ("H010", "project", files.project),
)

PROJECT: tuple[tuple[str, str, Check], ...] = (
    ("H011", "rights", files.rights),
    ("H012", "disk", files.space),
    ("H013", "leftovers", files.leftovers),
    ("H014", "locks", files.locks),
    ("H015", "registry", state.registry),
    ("H016", "audit", state.chain),
    ("H017", "releases", state.releases),
    ("H018", "expiry", state.expiry),
    ("H019", "event log", state.log),
    ("H020", "clock", state.clock),
    ("H021", "trusted keys", trust.trusted),
    ("H022", "API keys", trust.callers),
    ("H023", "TLS", trust.certificate),
)


def doctor(start: Path | str = ".") -> list[Verdict]:
    """Return a finding per question; nothing is changed, and what is broken only fails the questions that it concerns."""
    patient = Patient(Path(start))
    checks = MACHINE + (PROJECT if patient.project is not None else ())
    return [_asked(code, subject, check, patient) for code, subject, check in checks]


def _asked(code: str, subject: str, check: Check, patient: Patient) -> Verdict:
    """Ask one question; what stands in the way of an answer is the answer."""
    try:
        return check(patient)
    except SeawayError as error:
        return say(code, subject, "fail", error.what, error.fix, where=error.where)
    except OSError as error:
        named = f" ({error.filename})" if error.filename else ""
        return say(
            code,
            subject,
            "fail",
            f"This could not be looked at: {error.strerror}{named}",
            "Correct the rights, then ask again.",
        )
