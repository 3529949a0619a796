"""The audit chain: lines that each hold the hash of the one before, and signed checkpoints of how long the chain is.

A line's hash is the SHA-256 of the canonical JSON of its other fields, so whoever changes, removes or reorders a line must
change every later one; a checkpoint signed before and kept elsewhere then tells, as it tells a chain that was cut off or
replaced whole. `docs/verify_audit.py` checks the same without Seaway.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from seaway.core import canonical, chance
from seaway.core.errors import Untrusted
from seaway.core.protocols import Signer, Verifier
from seaway.core.verdict import Verdict
from seaway.security.sign import Signature

CONTEXT = b"seaway audit checkpoint v1"
"""The context of a checkpoint's signature."""

FORMAT = 1
START = "0" * 64
"""What the first line names as the hash before it."""

RESTORE = (
    "Compare with a backup and find out who could write here; `seaway restore` brings back a backup that is whole."
)


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One change of state. `model` is None for the whole project; `evidence` is the JSON text of verdicts.

    `content` is the digest of the row that the change made, empty where it made none; `sequence` the assignment's.
    """

    number: int
    at: str
    model: str | None
    kind: str
    subject: str
    sequence: int | None
    content: str
    principal: str
    reason: str
    evidence: str
    previous: str
    hash: str


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many lines there are and the hash of the last."""

    format: int
    size: int
    head: str
    at: str


class Signed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A checkpoint as it lies in its file: the signature is over the checkpoint's canonical JSON."""

    checkpoint: Checkpoint
    signature: Signature


def hash_of(line: Line) -> str:
    """Return what a line's hash must be."""
    fields = msgspec.structs.asdict(line)
    del fields["hash"]
    return canonical.digest(canonical.encode(fields))


def checkpoint(size: int, head: str, signer: Signer) -> bytes:
    """Return the content of a checkpoint's file."""
    made = Checkpoint(format=FORMAT, size=size, head=head, at=chance.stamp())
    signature = canonical.decode(signer.sign(canonical.encode(made)), Signature, where="signature")
    return canonical.encode(Signed(checkpoint=made, signature=signature))


def read_checkpoint(data: bytes, verifier: Verifier | None, where: str) -> Checkpoint:
    """Return a checkpoint that a trusted key has signed; without a verifier, only its form is looked at."""
    signed = canonical.decode(data, Signed, where=where)
    if signed.checkpoint.format != FORMAT:
        raise Untrusted(
            f"The checkpoint has format {signed.checkpoint.format}, this version reads {FORMAT}",
            where=where,
            fix="Use the Seaway version that wrote it, or a newer one.",
            code="newer-format",
        )
    if verifier is not None:
        verifier.verify(canonical.encode(signed.checkpoint), canonical.encode(signed.signature))
    return signed.checkpoint


def check_chain(lines: Iterable[Line]) -> tuple[Verdict, list[str]]:
    """Say whether the lines are a whole chain, and return their hashes in order, up to the first that is not."""
    heads: list[str] = []
    previous = START
    for line in lines:
        problem = _problem(line, len(heads) + 1, previous)
        if problem:
            return _chain(f"Line {len(heads) + 1} {problem}", "fail", len(heads)), heads
        heads.append(line.hash)
        previous = line.hash
    if not heads:
        return _chain("There is no line: a registry has one from its first moment", "fail", 0), heads
    return _chain(f"{len(heads)} lines follow one another, each as it was written", "pass", len(heads)), heads


def _problem(line: Line, number: int, previous: str) -> str:
    if line.number != number:
        return f"is missing: number {line.number} stands in its place"
    if line.previous != previous:
        return "does not follow the line before it: lines were removed, added or reordered"
    if line.hash != hash_of(line):
        return f"({line.kind}, {line.at}) is not what was written"
    return ""


def _chain(message: str, outcome: str, size: int) -> Verdict:
    # One place names the code, so that the reference can say what it means.
    return Verdict(
        code="A001",
        outcome="pass" if outcome == "pass" else "fail",
        subject="audit chain",
        message=message,
        fix="" if outcome == "pass" else RESTORE,
        value=float(size),
    )


def check_checkpoint(data: bytes | None, heads: Sequence[str], verifier: Verifier, name: str) -> Verdict:
    """Say whether the chain still holds what a checkpoint saw; `name` is what the checkpoint is called to people."""
    if data is None:
        return _held(name, "There is no checkpoint: it was removed, or the audit folder was", heads)
    try:
        seen = read_checkpoint(data, verifier, name)
    except Untrusted as error:
        return _held(name, f"{error.what}", heads, error.fix)
    if not 1 <= seen.size <= len(heads):
        return _held(name, f"It saw {seen.size} lines, {len(heads)} are here: the chain was cut off or replaced", heads)
    if heads[seen.size - 1] != seen.head:
        return _held(name, f"Line {seen.size} is not the one it saw on {seen.at}: the chain was replaced", heads)
    later = len(heads) - seen.size
    return Verdict(
        code="A002",
        outcome="pass",
        subject=name,
        message=f"The chain holds all {seen.size} lines seen on {seen.at}" + (f", and {later} later" if later else ""),
        value=float(seen.size),
        limit=float(len(heads)),
    )


def _held(name: str, message: str, heads: Sequence[str], fix: str = RESTORE) -> Verdict:
    return Verdict(code="A002", outcome="fail", subject=name, message=message, fix=fix, limit=float(len(heads)))
