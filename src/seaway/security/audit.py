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


BEHIND = (
    "A process died before it could sign what it had done, or somebody else wrote these lines: read them with "
    "`seaway audit list`. Whoever can sign next says so in a line of its own."
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
    problem = ""
    for line in lines:
        problem = _problem(line, len(heads) + 1, heads[-1] if heads else START)
        if problem:
            break
        heads.append(line.hash)
    else:
        problem = "" if heads else "There is no line: a registry has one from its first moment"
    verdict = Verdict(
        code="A001",
        outcome="fail" if problem else "pass",
        subject="audit chain",
        message=problem or f"{_lines(len(heads))}, each as it was written and behind the one before it",
        fix=RESTORE if problem else "",
        value=float(len(heads)),
    )
    return verdict, heads


def _problem(line: Line, number: int, previous: str) -> str:
    if line.number != number:
        return f"Line {number} is missing: number {line.number} stands in its place"
    if line.previous != previous:
        return f"Line {number} does not follow the line before it: lines were removed, added or reordered"
    if line.hash != hash_of(line):
        return f"Line {number} ({line.kind}, {line.at}) is not what was written"
    return ""


def check_checkpoint(
    data: bytes | None, heads: Sequence[str], verifier: Verifier, name: str, *, is_newest: bool = False
) -> Verdict:
    """Say whether the chain still holds what a checkpoint saw; `name` is what the checkpoint is called to people.

    Behind the project's own checkpoint (`is_newest`) there should be no line: it warns.
    """
    problem, fix, size = _lost(data, heads, verifier, name)
    later = len(heads) - size
    is_behind = is_newest and not problem and later > 0
    return Verdict(
        code="A002",
        outcome="fail" if problem else "warn" if is_behind else "pass",
        subject=name,
        message=problem or f"The chain holds {_lines(size)} that it saw" + (f", and {later} later" if later else ""),
        fix=BEHIND if is_behind else fix,
        value=float(size),
        limit=float(len(heads)),
    )


def _lost(data: bytes | None, heads: Sequence[str], verifier: Verifier, name: str) -> tuple[str, str, int]:
    """Return what does not hold (or nothing), what to do, and how many lines the checkpoint saw."""
    if data is None:
        return "There is no checkpoint: it was removed, or the audit folder was", RESTORE, 0
    try:
        seen = read_checkpoint(data, verifier, name)
    except Untrusted as error:
        return error.what, error.fix, 0
    if not 1 <= seen.size <= len(heads):
        what = (
            f"It saw {_lines(seen.size)}, of which {len(heads)} hold here: the chain was changed, cut off or replaced"
        )
        return what, RESTORE, seen.size
    if heads[seen.size - 1] != seen.head:
        return f"Line {seen.size} is not the one it saw on {seen.at}: the chain was replaced", RESTORE, seen.size
    return "", "", seen.size


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"
