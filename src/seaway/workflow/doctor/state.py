"""Checks of what a project remembers: the registry, the audit chain, releases, the event log, the clock."""

from __future__ import annotations

from datetime import datetime

from seaway.core import bundle, chance
from seaway.core.errors import SeawayError
from seaway.core.verdict import Outcome, Verdict, failed
from seaway.registry.ledger import CHECKPOINT
from seaway.security import audit
from seaway.security.sign import TrustFolder
from seaway.workflow.doctor.patient import DAY_S, Patient, say

RESTORE = "Restore it from a backup: `seaway restore BACKUP DIR`."
SOON_DAYS, AHEAD_S = 30.0, 120.0
"""A release that ends within this time, and how far the newest record may be ahead of the clock."""


def registry(patient: Patient) -> Verdict:
    """SQLite finds every page of the registry in its place, and every row that another one names."""
    if not patient.home.registry.exists():
        return say("H015", "registry", "not-applicable", "There is no registry yet")
    found = patient.registry
    if found.problems:
        return say("H015", "registry", "fail", f"SQLite says: {found.problems[0]}", RESTORE)
    return say("H015", "registry", "pass", f"{len(found.releases)} releases, schema {found.schema}")


def chain(patient: Patient) -> Verdict:
    """The audit chain is whole, holds what its signed checkpoint saw, and tells of every row."""
    if not patient.home.registry.exists():
        return say("H016", "audit", "not-applicable", "There is no audit chain yet")
    path = patient.home.audit / CHECKPOINT
    seen = path.read_bytes() if path.exists() else None  # before the chain: a change meanwhile only makes that longer
    found = patient.registry
    if not found.lines:
        message = "The registry is older than the audit chain; the next change begins it"
        return say("H016", "audit", "not-applicable", message)
    whole, heads = audit.check_chain(found.lines)
    trusted = TrustFolder(patient.home.keys, context=audit.CONTEXT)
    verdicts = [
        whole,
        audit.check_checkpoint(seen, heads, trusted, "checkpoint", is_newest=True),
        *([found.told] if found.told else []),
    ]
    for wrong in failed(verdicts):
        return say("H016", "audit", "fail", wrong.message, wrong.fix)
    outcome: Outcome = "warn" if any(verdict.outcome == "warn" for verdict in verdicts) else "pass"
    fixes = " ".join(verdict.fix for verdict in verdicts if verdict.fix)
    return say("H016", "audit", outcome, "; ".join(verdict.message for verdict in verdicts), fixes)


def releases(patient: Patient) -> Verdict:
    """Every registered release is there, signed by a trusted key and whole; one that answers is asked for by servers."""
    if not patient.home.registry.exists():
        return say("H017", "releases", "not-applicable", "There are no releases yet")
    wrong: dict[str, str] = {}
    for model, version, digest, _ in patient.registry.releases:
        try:
            bundle.open_bundle(patient.home.bundles / digest, TrustFolder(patient.home.keys))
        except SeawayError as error:
            wrong[digest] = f"{model} version {version}: {error.what}"
    answering = [text for digest, text in wrong.items() if digest in patient.registry.assigned]
    if answering:
        return say("H017", "releases", "fail", f"A release that answers is not whole: {answering[0]}", RESTORE)
    if wrong:
        fix = "It cannot be promoted. Restore it from a backup, or release its run again."
        return say("H017", "releases", "warn", next(iter(wrong.values())), fix)
    return say("H017", "releases", "pass", f"{len(patient.registry.releases)} releases, each signed and whole")


def expiry(patient: Patient) -> Verdict:
    """No release that answers is past its day, or soon will be."""
    if not patient.home.registry.exists():
        return say("H018", "expiry", "not-applicable", "There are no releases yet")
    left = {}
    for model, version, digest, expires in patient.registry.releases:
        if digest in patient.registry.assigned:
            left[f"{model} version {version}"] = (_seconds(expires) - chance.now()) / DAY_S
    if not left:
        return say("H018", "expiry", "not-applicable", "No release answers yet")
    name, days = min(left.items(), key=lambda one: one[1])
    fix = "Train and release on newer data: `seaway update`."
    if days <= 0:
        return say("H018", "expiry", "fail", f"{name} is past its day", fix)
    if days < SOON_DAYS:
        return say("H018", "expiry", "warn", f"{name} may be used for {days:.0f} more days", fix)
    return say("H018", "expiry", "pass", f"The first to end is {name}, in {days:,.0f} days")


def log(patient: Patient) -> Verdict:
    """Every record of the newest event log is whole."""
    found = patient.log
    if not found.segments:
        return say("H019", "event log", "not-applicable", "Nothing was logged yet")
    how_much = "" if found.read == found.segments else f" in the newest {found.read} of {found.segments} segments"
    if found.damage:
        name, what = next(iter(found.damage.items()))
        fix = "Restore the segment from a backup, or move it away to go on without its events."
        return say("H019", "event log", "fail", f"{name}: {what} ({len(found.damage)} such segments{how_much})", fix)
    return say(
        "H019", "event log", "pass", f"{found.events:,} events can be read{how_much or f', {found.segments} segments'}"
    )


def clock(patient: Patient) -> Verdict:
    """The clock stands behind nothing that was written by it before."""
    stamps = {"the newest event": patient.log.newest / 1e6} if patient.log.newest else {}
    if patient.home.registry.exists():
        lines = patient.registry.lines
        stamps |= {"the newest change of the registry": _seconds(lines[-1].at)} if lines else {}
    if not stamps:
        return say("H020", "clock", "not-applicable", "Nothing was written yet that the clock could be held to")
    what, newest = max(stamps.items(), key=lambda one: one[1])
    behind = newest - chance.now()
    if behind > AHEAD_S:
        message = f"The clock is {_span(behind)} behind {what}: it was set back, or was ahead then"
        fix = "Set the clock (NTP). Order is kept by sequence numbers meanwhile; expiry, ages and schedules follow the clock."
        return say("H020", "clock", "fail", message, fix, behind_s=round(behind))
    return say("H020", "clock", "pass", f"{chance.stamp()[:19]}Z, later than all that was written")


def _seconds(stamp: str) -> float:
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except ValueError:
        return 0.0


def _span(seconds: float) -> str:
    return f"{seconds / DAY_S:,.1f} days" if seconds >= DAY_S else f"{seconds / 60:,.0f} minutes"
