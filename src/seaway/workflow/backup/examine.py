"""Is a backup whole: every file, the registry, every release in it, every record of the log, the audit chain? Nothing is written."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from seaway.core import bundle, segment
from seaway.core.errors import Malformed, SeawayError
from seaway.core.verdict import Outcome, Verdict, failed
from seaway.registry import copying
from seaway.registry.copying import Survey
from seaway.registry.ledger import CHECKPOINT
from seaway.release.verify import verify
from seaway.security import audit
from seaway.security.sign import TrustFolder
from seaway.serve.segments import of_folder
from seaway.workflow.backup import listing as listing_of
from seaway.workflow.backup.listing import Listing
from seaway.workflow.backup.staging import digest_of

OTHER = "Use another backup; this one holds what it could read, and says what it could not."


def examine(
    state: Path, *, replays: bool, missing: Collection[str] = (), damaged: Collection[str] = ()
) -> list[Verdict]:
    """Return B003 to B006. `replays` runs each release's program on its parity vectors too.

    What was `missing` or `damaged` when the backup was made is a warning, since the backup said so.
    """
    try:
        found = copying.survey(state / "registry.db", at_rest=True)
    except SeawayError as error:
        return [_say("B003", "registry", "fail", error.what, error.fix)]
    return [
        _registry(found),
        _releases(state, found, replays, missing),
        _log(state / "log", damaged),
        *_audit(state, found),
    ]


def check_files(folder: Path, listing: Listing) -> Verdict:
    """Every file that the backup lists is there with the size and SHA-256 that were signed, and no other is."""
    strays = listing_of.strays(folder, listing)
    if strays:
        state = "is missing" if strays[0] in listing.files else "is not listed"
        return _say("B002", "files", "fail", f"{strays[0]} {state} ({len(strays)} such files)", OTHER)
    wrong = [name for name, entry in listing.files.items() if not _is(folder / name, entry)]
    if wrong:
        return _say("B002", "files", "fail", f"{wrong[0]} is not what was signed ({len(wrong)} such files)", OTHER)
    size = sum(size for _, size in listing.files.values())
    return _say("B002", "files", "pass", f"{len(listing.files)} files of {size:,} bytes, each as it was signed")


def _is(path: Path, entry: tuple[str, int]) -> bool:
    try:
        return digest_of(path) == entry
    except OSError:
        return False


def _registry(found: Survey) -> Verdict:
    """SQLite finds every page of the registry in its place, and every row that another one names."""
    if found.problems:
        return _say("B003", "registry", "fail", f"SQLite says: {found.problems[0]}", OTHER)
    held = f"The registry is sound: {len(found.releases)} releases, schema {found.schema}"
    return _say("B003", "registry", "pass", held)


def _releases(state: Path, found: Survey, replays: bool, missing: Collection[str]) -> Verdict:
    """Every registered release is there, signed, whole, and answers as it was tested."""
    wrong: dict[str, str] = {}
    for model, version, digest, _ in found.releases:
        problem = _problem(state / "bundles" / digest, digest, TrustFolder(state / "keys"), replays)
        if problem:
            wrong[digest] = f"{model} version {version}: {problem}"
    fresh = [text for digest, text in wrong.items() if digest not in missing]
    if fresh:
        return _say("B004", "releases", "fail", "; ".join(fresh[:5]), OTHER)
    if wrong:
        message = f"{len(wrong)} of {len(found.releases)} releases were not whole when the backup was made"
        return _say("B004", "releases", "warn", message, f"{next(iter(wrong.values()))}. Release the run again.")
    how = "signed, whole and equal to what was tested" if replays else "signed and whole"
    return _say("B004", "releases", "pass", f"{len(found.releases)} releases, each {how}")


def _problem(folder: Path, digest: str, trusted: TrustFolder, replays: bool) -> str:
    """Return what is wrong with a bundle; that it has expired is none: it was whole and still is."""
    try:
        if bundle.open_bundle(folder, trusted).digest != digest:
            return "another release stands in its place"
    except SeawayError as error:
        return error.what
    verdicts = verify(folder, trusted) if replays else []
    return next((verdict.message for verdict in failed(verdicts) if verdict.code != "R005"), "")


def _log(log_root: Path, damaged: Collection[str]) -> Verdict:
    """Every record of every segment is whole and is an event."""
    wrong: dict[str, str] = {}
    events, newest, segments = 0, 0, 0
    for name, path in segments_of(log_root):
        segments += 1
        try:
            for _, event in segment.events(path):
                events += 1
                newest = max(newest, event.sequence)
        except Malformed as error:
            wrong[name] = f"{name}: {error.what}"
    evidence = {"events": events, "segments": segments, "newest": newest, "damaged": list(wrong)}
    fresh = [text for name, text in wrong.items() if name not in damaged]
    if fresh:
        return _say("B005", "event log", "fail", "; ".join(fresh[:5]), OTHER, evidence)
    if wrong:
        message = f"{len(wrong)} of {segments} segments were damaged when the backup was made and are kept as they were"
        return _say("B005", "event log", "warn", message, next(iter(wrong.values())), evidence)
    return _say("B005", "event log", "pass", f"{events} events in {segments} segments can be read", "", evidence)


def segments_of(log_root: Path) -> Iterator[tuple[str, Path]]:
    """Yield (model/name, file) of every segment of every model."""
    for folder in sorted(path for path in log_root.glob("*/") if path.is_dir()):
        yield from ((f"{folder.name}/{path.name}", path) for _, _, path in of_folder(folder))


def _audit(state: Path, found: Survey) -> Iterator[Verdict]:
    """The audit chain is whole and holds all that its signed checkpoint saw."""
    if not found.lines:
        yield _say("B006", "audit chain", "not-applicable", "The registry is older than the audit chain")
        return
    chain, heads = audit.check_chain(found.lines)
    path = state / "audit" / CHECKPOINT
    trusted = TrustFolder(state / "keys", context=audit.CONTEXT)
    seen = audit.check_checkpoint(path.read_bytes() if path.exists() else None, heads, trusted, "checkpoint")
    said = [chain, seen, *([found.told] if found.told else [])]
    wrong = failed(said)
    if wrong:
        yield _say("B006", "audit chain", "fail", wrong[0].message, wrong[0].fix)
    else:
        yield _say("B006", "audit chain", "pass", "; ".join(verdict.message for verdict in said))


def _say(
    code: str, subject: str, outcome: Outcome, message: str, fix: str = "", evidence: Mapping[str, Any] | None = None
) -> Verdict:
    return Verdict(code=code, outcome=outcome, subject=subject, message=message, fix=fix, evidence=dict(evidence or {}))
