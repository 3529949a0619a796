"""Checks of a project's files: settings, rights, space, leftovers, locks."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from seaway.core import chance, segment, settings
from seaway.core.verdict import Outcome, Verdict
from seaway.security import keys, sign
from seaway.workflow.doctor.machine import servers
from seaway.workflow.doctor.patient import DAY_S, Patient, say

LITTLE, NOTHING = 1 << 30, 128 << 20
"""Bytes of free space that are a warning, and a failure."""

SOON_DAYS, GROWTH_DAYS = 14.0, 7.0
OLD_S = 3600.0
"""What a crash left is older than this; anything younger may belong to a process at work."""

_PRIVATE = (sign.PRIVATE, keys.SECRET)


def project(patient: Patient) -> Verdict:
    """There is a project, and its settings can be read."""
    if patient.project is None:
        message = "No project here or above: only the machine was looked at"
        return say("H010", "project", "not-applicable", message)
    settings.load(patient.project.settings)
    return say("H010", "project", "pass", f"{patient.project.folder}")


def rights(patient: Patient) -> Verdict:
    """Nobody but the owner can read the state, and the private keys are the owner's alone."""
    state = patient.home.state
    if not state.is_dir():
        return say("H011", "rights", "not-applicable", "There is no state yet")
    wrong = [(path, "700") for path in (state, patient.home.keys) if path.is_dir() and _is_open(path, 0o077)]
    wrong += [
        (path, "600") for name in _PRIVATE if (path := patient.home.keys / name).exists() and _is_open(path, 0o077)
    ]
    foreign = [path for path in (state, patient.home.registry) if path.exists() and path.stat().st_uid != os.geteuid()]
    if wrong:
        first = wrong[0][0].relative_to(patient.home.folder)
        fix = " && ".join(f"chmod {mode} {path}" for path, mode in wrong)
        return say("H011", "rights", "fail", f"Others may read {first}", f"Run: {fix}")
    if foreign and os.geteuid() != 0:
        return say(
            "H011", "rights", "fail", f"{foreign[0].name} belongs to another user", "Run as the project's owner."
        )
    if not os.access(state, os.W_OK):
        return say("H011", "rights", "fail", "You may not write to .seaway", "Run as the project's owner.")
    if _is_open(patient.home.settings, 0o022):
        fix = f"Run: chmod go-w {patient.home.settings}"
        return say("H011", "rights", "warn", "Others may change seaway.toml, which says where the server listens", fix)
    return say("H011", "rights", "pass", "State and keys are the owner's alone")


def _is_open(path: Path, mask: int) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & mask)


def space(patient: Patient) -> Verdict:
    """The disk has room for the event log for a while."""
    state = patient.home.state if patient.home.state.is_dir() else patient.home.folder
    free = shutil.disk_usage(state).free
    per_day = _growth(patient)
    left = free / per_day if per_day else float("inf")
    message = f"{_size(free)} free"
    if per_day:
        message += f"; the event log grows by {_size(per_day)} a day, which lasts {left:,.0f} days"
    outcome: Outcome = "fail" if free < NOTHING or left < 1 else "warn" if free < LITTLE or left < SOON_DAYS else "pass"
    fix = (
        ""
        if outcome == "pass"
        else "Free space: a full disk stops answers where each must be on disk before it leaves."
    )
    return say("H012", "disk", outcome, message, fix, free=free, per_day=round(per_day))


def _growth(patient: Patient) -> float:
    """Return the event log's bytes a day, over the last days or since it began."""
    since = chance.now() - GROWTH_DAYS * DAY_S
    recent = [status for path in patient.segments if (status := path.stat()).st_mtime >= since]
    if not recent:
        return 0.0
    span = max(chance.now() - min(status.st_mtime for status in recent), 3600.0)
    return sum(status.st_size for status in recent) / span * DAY_S


def _size(count: float) -> str:
    for unit in ("bytes", "KB", "MB"):
        if count < 1000:
            return f"{count:,.0f} {unit}"
        count /= 1000
    return f"{count:,.1f} GB"


def leftovers(patient: Patient) -> Verdict:
    """Nothing half-made lies about; what does is removed by the command that made it, run again."""
    found = sorted(str(path.relative_to(patient.home.folder)) for path in _left(patient))
    still_open = [path for path in patient.segments if path.suffix == segment.OPEN]
    if found:
        fix = "The command that was cut short removes them when it is run again; backups and restores likewise."
        return say("H013", "leftovers", "warn", f"A process died at work: {', '.join(found[:5])}", fix, files=found)
    if still_open and not servers(patient):
        message = (
            f"{len(still_open)} segments of the event log are still open and no server runs: the next start seals them"
        )
        return say("H013", "leftovers", "pass", message)
    return say("H013", "leftovers", "pass", "Nothing half-made is left")


def _left(patient: Patient) -> Iterator[Path]:
    state, folder = patient.home.state, patient.home.folder
    made = [*state.glob("bundles/.staging-*"), *state.glob("staging/*"), *state.rglob("*.tmp")]
    made += [*state.glob("registry.db-journal"), *folder.parent.glob(".*.partial")]
    for path in made:
        if chance.now() - path.lstat().st_mtime > OLD_S:
            yield path


def locks(patient: Patient) -> Verdict:
    """Which locks of the project are held now; none outlives the process that holds it."""
    held = _held()
    if held is None:
        return say("H014", "locks", "not-applicable", "This system does not tell who holds a lock")
    named = {}
    for path in [*patient.home.state.rglob("*.lock"), *patient.home.state.rglob("lock")]:
        pid = held.get(path.stat().st_ino) if path.is_file() else None
        if pid is not None:
            named[str(path.relative_to(patient.home.state))] = pid
    if not named:
        return say("H014", "locks", "pass", "No lock is held")
    shown = ", ".join(f"{name} (process {pid})" for name, pid in sorted(named.items())[:5])
    return say("H014", "locks", "pass", f"Held by processes that live: {shown}", held=named)


def _held() -> dict[int, int] | None:
    """Return the process by inode of every file that is locked with flock."""
    try:
        lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = {}
    for line in lines:
        parts = line.split()
        if "FLOCK" in parts and "->" not in parts:
            found[int(parts[5].rsplit(":", 1)[1])] = int(parts[4])
    return found
