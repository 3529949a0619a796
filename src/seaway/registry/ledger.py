"""Every change of the registry: one at a time, one transaction, one line of the audit chain, then a signed checkpoint.

The checkpoint lies in a folder of its own and may lag behind a process that died, never lead. Whoever opens the registry next brings
it up to date and says so in a line of its own, since what stands behind a checkpoint may also be somebody else's; it refuses to go on
where the chain's length and head are not those that the checkpoint saw. Whether every line before is as it was written, `check_chain`
says: a change does not read them all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect

from seaway.core import chance, durable
from seaway.core.errors import Refused, SeawayError, Untrusted
from seaway.core.verdict import Verdict
from seaway.registry import rows, schema
from seaway.registry.connect import BUSY_S, transaction
from seaway.registry.proof import MIGRATED
from seaway.registry.rows import Head
from seaway.security import audit
from seaway.security.sign import Ed25519Signer, TrustFolder

CHECKPOINT = "checkpoint.json"
CREATED, ACCEPTED, CAUGHT_UP = "created", "chain accepted", "checkpoint caught up"


class Ledger:
    """The writing side of one registry. Changes of all processes take turns."""

    def __init__(self, engine: Engine, state: Path) -> None:
        self._engine = engine
        self._folder = state / "audit"
        self._keys = state / "keys"
        self.verifier = TrustFolder(self._keys, context=audit.CONTEXT)

    @contextlib.contextmanager
    def change(self) -> Iterator[Connection]:
        """Run one transaction that appends; raises `Refused` where the chain does not hold what its checkpoint saw."""
        with self._turn() as signer:
            self._settle(signer)
            with self._appending(signer) as connection:
                yield connection

    @contextlib.contextmanager
    def begin(self) -> Iterator[Connection]:
        """Run the transaction that makes the tables or brings them up to date; a checkpoint there is already stays."""
        with self._turn() as signer, self._appending(signer, is_first=True) as connection:
            yield connection

    def heal(self) -> None:
        """Bring the checkpoint up to date if its writer died and nothing stands in the way; the next change says what does."""
        with contextlib.suppress(SeawayError):
            head, data = self._head(), self.checkpoint()
            seen = None if data is None else audit.read_checkpoint(data, None, CHECKPOINT)
            if head is not None and (seen is None or seen.head != head.hash):
                with self._turn(wait_s=0.0) as signer:
                    self._settle(signer)

    def accept(self, reason: str, principal: str) -> None:
        """Go on from the chain as it is, although it does not hold what its checkpoint saw; that one is set aside.

        Raises `Refused` where the chain does not hold in itself, which no later line can mend, and where nothing is wrong.
        """
        with self._turn() as signer:
            data = self.checkpoint()
            with transaction(self._engine, write=False) as connection:
                chain, heads = audit.check_chain(rows.lines(connection))
            found = audit.check_checkpoint(data, heads, self.verifier, CHECKPOINT)
            self._require_acceptable(chain, found)
            if data is not None:
                aside = self._folder / f"set-aside-{chance.token(4)}.json"
                with durable.disk("The checkpoint cannot be set aside", self._folder):
                    (self._folder / CHECKPOINT).rename(aside)
                    durable.sync_folder(self._folder)
            with self._appending(signer) as connection:
                rows.write_down(connection, ACCEPTED, principal=principal, reason=reason, evidence=(found,))

    def _require_acceptable(self, chain: Verdict, found: Verdict) -> None:
        if chain.outcome == "fail":
            raise Refused(f"{chain.message}; no later line can mend that", where=str(self._folder), fix=audit.RESTORE)
        if found.outcome != "fail":
            raise Refused(
                "The chain holds what its checkpoint saw: there is nothing to accept",
                where=str(self._folder),
                fix="Go on as usual; `seaway audit verify` shows what was checked.",
            )

    def checkpoint(self) -> bytes | None:
        """Return the newest checkpoint's file, or None where there is none."""
        path = self._folder / CHECKPOINT
        with durable.disk("The checkpoint cannot be read", path):
            try:
                return path.read_bytes()
            except FileNotFoundError:
                return None

    def settled(self) -> bytes:
        """Return the newest checkpoint after bringing it up to date."""
        with self._turn() as signer:
            self._settle(signer)
            data = self.checkpoint()
            assert data is not None, "a registry has a line from its first moment, and now a checkpoint of it"
            return data

    @contextlib.contextmanager
    def _turn(self, wait_s: float = BUSY_S) -> Iterator[Ed25519Signer]:
        """Hold the right to change; the key is read first, so that nothing is changed that could not be signed."""
        with durable.locked(self._folder / ".lock", wait_s=wait_s, what="changing the registry"):
            yield Ed25519Signer.load_or_make(self._keys, context=audit.CONTEXT)

    @contextlib.contextmanager
    def _appending(self, signer: Ed25519Signer, *, is_first: bool = False) -> Iterator[Connection]:
        with transaction(self._engine, write=True) as connection:
            before = rows.head(connection) if not is_first else None
            yield connection
            after = rows.head(connection)
        if after is not None and after != before and not (is_first and self.checkpoint() is not None):
            self._write(after, signer)

    def _settle(self, signer: Ed25519Signer) -> None:
        """Hold the chain's end to its checkpoint, and bring that one up to date."""
        head, data = self._head(), self.checkpoint()
        if head is None:
            if data is not None:
                raise _broken("there is no line", self._folder)
            return
        if data is None:
            if head.kind not in (CREATED, MIGRATED):
                raise _broken("its checkpoint is gone", self._folder)
            self._write(head, signer)
            return
        seen = self._held(data)
        if seen.head != head.hash:
            with self._appending(signer) as connection:
                reason = (
                    f"lines {seen.size + 1} to {head.number} stood behind the checkpoint: a process died before it could "
                    "sign them, or somebody else wrote them"
                )
                rows.write_down(connection, CAUGHT_UP, principal="seaway", reason=reason)

    def _held(self, data: bytes) -> audit.Checkpoint:
        """Return the checkpoint, which the chain must hold."""
        try:
            seen = audit.read_checkpoint(data, self.verifier, str(self._folder / CHECKPOINT))
        except Untrusted as error:
            raise _broken(f"its checkpoint does not hold ({error.what})", self._folder) from None
        with transaction(self._engine, write=False) as connection:
            if rows.hash_at(connection, seen.size) != seen.head:
                raise _broken(f"it does not hold the {seen.size} lines of {seen.at}", self._folder)
        return seen

    def _head(self) -> Head | None:
        with transaction(self._engine, write=False) as connection:
            return rows.head(connection) if inspect(connection).has_table(schema.audit.name) else None

    def _write(self, head: Head, signer: Ed25519Signer) -> None:
        path = self._folder / CHECKPOINT
        with durable.disk(
            "The registry is changed and the change recorded, but its checkpoint cannot be written", path
        ):
            for left in self._folder.glob(f".{CHECKPOINT}.*.tmp"):  # of a process that was killed
                left.unlink(missing_ok=True)
            durable.write(path, audit.checkpoint(head.number, head.hash, signer))


def _broken(what: str, folder: Path) -> Refused:
    return Refused(
        f"The audit chain was tampered with or replaced: {what}. Nothing was changed",
        where=str(folder),
        fix="Look with `seaway audit verify`, restore the registry from a backup, or go on from what is there now: "
        "`seaway audit accept --reason TEXT`.",
        code="broken-audit",
    )
