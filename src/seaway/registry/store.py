"""The registry: releases under a model's name, the assignment that says which of them answer, callers' keys, and how it came about.

Every change of state is one transaction with its line in the audit chain. An assignment is replaced by one with the next sequence, never changed; who wants
to replace it names the sequence that was seen, so that of two who move at once the second learns of the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from seaway.core import bundle, chance
from seaway.core.access import Key
from seaway.core.assignment import Assignment
from seaway.core.bundle import Bundle
from seaway.core.contract import NAME
from seaway.core.durable import disk, make_folder
from seaway.core.errors import BadInput, Conflict, NotFound, Refused
from seaway.core.verdict import Verdict, failed, worst
from seaway.registry import admission, callers, migrate, rows, schema
from seaway.registry.bundles import FolderStore
from seaway.registry.connect import open_engine, transaction
from seaway.registry.former import former as former_of
from seaway.registry.ledger import Ledger
from seaway.registry.proof import check_state
from seaway.registry.values import Entry, Release, Reservation
from seaway.security.audit import Line, check_chain, check_checkpoint
from seaway.security.sign import TrustFolder

TRIES = 3
"""Looks at the chain beside its checkpoint, between which another process may be about to sign what it did."""


class Registry:
    """The registry of one project. Safe to use from any thread and any number of processes."""

    def __init__(self, state: Path) -> None:
        with disk("The state folder cannot be made", state):
            make_folder(state)
        self._path = state / "registry.db"
        self._engine = open_engine(self._path)
        self._verifier = TrustFolder(state / "keys")
        self.store = FolderStore(state / "bundles")
        self._ledger = Ledger(self._engine, state)
        with transaction(self._engine, write=False) as connection:
            version = schema.version_of(connection, str(self._path))
        if version < schema.VERSION:
            with self._ledger.begin() as connection:
                migrate.bring_up(connection, str(self._path))
        self._ledger.heal()
        self.store.clean()

    # ---------------------------------------------------------------------------------------------- releases

    def reserve(self, model: str, key: str, *, principal: str = "build") -> Reservation:
        """Return the version and sequence for a build; the same key (a candidate's digest) gets the same again."""
        _check_name(model)
        table, releases = schema.reservations, schema.releases
        with self._ledger.change() as connection:
            known = connection.execute(select(table).where(table.c.model == model, table.c.key == key)).first()
            if known is not None:
                return rows.read(known, Reservation)
            rows.add_model(connection, model)
            newest = rows.newest(connection, model)

            def next_of(column: str) -> int:
                """Count on from what was built here and what was imported."""
                return 1 + max(
                    rows.highest(connection, one.c[column], one.c.model == model) for one in (table, releases)
                )

            made = Reservation(
                model=model,
                key=key,
                version=next_of("version"),
                sequence=next_of("sequence"),
                parent=newest.champion if newest else "",
                created=chance.stamp(),
            )
            row = msgspec.structs.asdict(made)
            connection.execute(insert(table).values(**row))
            rows.write_down(
                connection,
                "reserved",
                model=model,
                subject=key,
                row=row,
                principal=principal,
                reason=f"version {made.version} for a build",
            )
            return made

    def register(self, folder: Path, reservation: Reservation, verdicts: Sequence[Verdict], principal: str) -> str:
        """Take a built, signed bundle in under its reserved version and return its digest; twice changes nothing.

        Raises `Refused` unless there are verdicts and none of them failed, `Untrusted` where the signature or a digest
        does not hold.
        """
        _require_passed(verdicts, str(folder))
        found = bundle.open_bundle(folder, self._verifier)
        manifest = found.manifest
        if (manifest.model, manifest.version, manifest.sequence) != (
            reservation.model,
            reservation.version,
            reservation.sequence,
        ):
            raise Refused(
                f"The bundle is {manifest.model} version {manifest.version} (sequence {manifest.sequence}), reserved was "
                f"{reservation.model} version {reservation.version} (sequence {reservation.sequence})",
                where=str(folder),
                fix="Build it again under its own reservation.",
            )
        release = _release(found, verdicts, principal)
        self.store.put(folder)
        with self._ledger.change() as connection:
            if not admission.is_known(connection, release):
                admission.add(connection, release, "registered", f"version {release.version}: {release.digest}")
        return release.digest

    def admit(
        self,
        folder: Path,
        verdicts: Sequence[Verdict],
        principal: str,
        *,
        is_older: bool = False,
        reason: str = "",
    ) -> str:
        """Take in a bundle that was built elsewhere, as what its manifest says it is; return its digest; twice changes nothing.

        Raises `Refused` with code `older-release` where a release of the model is as new, unless `is_older` says that this is
        meant; `Conflict` where its version or sequence is taken here; else as `register`.
        """
        _require_passed(verdicts, str(folder))
        release = _release(bundle.open_bundle(folder, self._verifier), verdicts, principal)
        with transaction(self._engine, write=False) as connection:
            if not admission.is_known(connection, release):
                admission.require_place(connection, release, is_older=is_older)
        self.store.put(folder)
        with self._ledger.change() as connection:
            if not admission.is_known(connection, release):
                older = admission.require_place(connection, release, is_older=is_older)
                what = f"version {release.version}, sequence {release.sequence}: {release.digest}"
                admission.add(
                    connection,
                    release,
                    "imported older" if older else "imported",
                    f"{reason}: {what}" if reason else what,
                )
        return release.digest

    def models(self) -> list[str]:
        """Return the models' names."""
        with transaction(self._engine, write=False) as connection:
            return list(connection.scalars(select(schema.models.c.name).order_by(schema.models.c.name)))

    def releases(self, model: str) -> list[Release]:
        """Return a model's releases, oldest first."""
        table = schema.releases
        with transaction(self._engine, write=False) as connection:
            found = connection.execute(select(table).where(table.c.model == model).order_by(table.c.version))
            return [rows.read(row, Release, "verdicts") for row in found]

    def release(self, model: str, digest_or_version: str | int) -> Release:
        """Return one release by version, digest, or the first eight or more digits of its digest."""
        releases = self.releases(model)
        text = str(digest_or_version).strip()
        if text.isdecimal() and len(text) < 8:
            found = [release for release in releases if release.version == int(text)]
        else:
            found = [release for release in releases if len(text) >= 8 and release.digest.startswith(text)]
        if len(found) != 1:
            known = ", ".join(f"{release.version} ({release.digest[:8]})" for release in releases[-10:])
            raise NotFound(
                f"{model} has {'no' if not found else 'more than one'} release {text!r}",
                where="registry",
                fix=f"Its releases are: {known}."
                if known
                else "Make one first: `seaway train`, then `seaway release`.",
            )
        return found[0]

    # ------------------------------------------------------------------------------------------- assignments

    def assignment(self, model: str) -> Assignment | None:
        """Return what answers for the model now; None before its first release is assigned."""
        with transaction(self._engine, write=False) as connection:
            return rows.newest(connection, model)

    def assignments(self, model: str) -> list[Assignment]:
        """Return every assignment there ever was, oldest first."""
        with transaction(self._engine, write=False) as connection:
            return [assignment for assignment, _ in rows.every_step(connection, model)]

    def former(self, model: str) -> Assignment | None:
        """Return the assignment that a rollback restores: the newest before the release being withdrawn came in."""
        with transaction(self._engine, write=False) as connection:
            return former_of(rows.every_step(connection, model))

    def move(
        self,
        assignment: Assignment,
        *,
        expect: int,
        reason: str,
        principal: str,
        evidence: Sequence[Verdict] = (),
        kind: str = "assigned",
        restores: int | None = None,
    ) -> Assignment:
        """Make `assignment` the newest with sequence `expect` + 1 and write it down; returns it as stored.

        `expect` is the newest sequence the caller has seen (0 = none); raises `Conflict` when it is not the newest any
        more. Its releases must be registered under the model and in the store.
        """
        _check(assignment)
        for digest in assignment.digests:
            self.store.get(digest)
        made = msgspec.structs.replace(assignment, sequence=expect + 1, reason=reason)
        table = schema.releases
        try:
            with self._ledger.change() as connection:
                newest = rows.newest(connection, made.model)
                if (newest.sequence if newest else 0) != expect:
                    raise _moved(made.model, expect)
                known = set(connection.scalars(select(table.c.digest).where(table.c.model == made.model)))
                for digest in made.digests:
                    if digest not in known:
                        raise NotFound(
                            f"{made.model} has no release {digest[:12]}",
                            where="registry",
                            fix="Register it first: `seaway release`.",
                        )
                row = rows.row_of(made) | {"restores": restores}
                connection.execute(insert(schema.assignments).values(**row))
                rows.write_down(
                    connection,
                    kind,
                    model=made.model,
                    subject=made.champion,
                    sequence=made.sequence,
                    row=row,
                    principal=principal,
                    reason=reason,
                    evidence=evidence,
                )
        except IntegrityError:  # a database without BEGIN IMMEDIATE: two inserted the same sequence
            raise _moved(made.model, expect) from None
        return made

    # -------------------------------------------------------------------------------------------------- keys

    def keys(self) -> dict[str, Key]:
        """Return every caller's key by id, ended ones too; the text of a key is nowhere."""
        with transaction(self._engine, write=False) as connection:
            return {row.id: rows.key_of(row) for row in connection.execute(select(schema.keys))}

    def add_key(self, key: Key, principal: str, reason: str) -> Key:
        """Store a key and return it with its slot, which is given here and never twice; the `slot` given is not looked at."""
        with self._ledger.change() as connection:
            return callers.add(connection, key, principal, reason)

    def revoke_key(self, identity: str, principal: str, reason: str) -> Key:
        """End a key now, for ever; one that is revoked already stays as it is."""
        with self._ledger.change() as connection:
            return callers.revoke(connection, identity, principal, reason)

    def rotate_key(self, identity: str, key: Key, ends: str, principal: str, reason: str) -> Key:
        """Store `key` in place of another, which ends at `ends` (RFC 3339; now where that has passed) or before."""
        with self._ledger.change() as connection:
            made = callers.add(connection, key, principal, f"in place of {identity}: {reason}")
            callers.end(connection, identity, ends, principal, f"{made.id} takes its place: {reason}")
            return made

    # ------------------------------------------------------------------------------------- history and audit

    def history(self, model: str | None) -> list[Entry]:
        """Return everything that happened to a model, oldest first; None for what concerns the whole project."""
        table = schema.audit
        columns = [table.c[name] for name in Entry.__struct_fields__]
        with transaction(self._engine, write=False) as connection:
            found = connection.execute(select(*columns).where(table.c.model == model).order_by(table.c.number))
            return [rows.read(row, Entry, "evidence") for row in found]

    def note(
        self,
        model: str | None,
        kind: str,
        *,
        reason: str,
        principal: str,
        evidence: Sequence[Verdict] = (),
        subject: str = "",
    ) -> None:
        """Write down a decision that moves nothing (a hold, a refusal), with its evidence; None for the whole project."""
        with self._ledger.change() as connection:
            newest = None
            if model is not None:
                rows.add_model(connection, model)
                newest = rows.newest(connection, model)
            rows.write_down(
                connection,
                kind,
                model=model,
                subject=subject,
                sequence=newest.sequence if newest else None,
                principal=principal,
                reason=reason,
                evidence=evidence,
            )

    def audit(self, after: int = 0) -> list[Line]:
        """Return the lines of the audit chain behind number `after`, oldest first."""
        with transaction(self._engine, write=False) as connection:
            return rows.lines(connection, after)

    def verify_audit(self) -> tuple[list[Verdict], list[str]]:
        """Hold the chain to itself, to its checkpoint and to the state it tells of; return the findings and the chain's hashes."""
        for _ in range(TRIES):
            data = self._ledger.checkpoint()  # first, so that a change made meanwhile only makes the chain longer
            with transaction(self._engine, write=False) as connection:
                chain, heads = check_chain(rows.lines(connection))
                state = check_state(connection)
            seen = check_checkpoint(data, heads, self._ledger.verifier, "checkpoint", is_newest=True)
            if seen.outcome != "warn":  # else a change may be on its way from the chain to the checkpoint
                break
        return [chain, seen, state], heads

    def checkpoint(self) -> bytes:
        """Return the signed checkpoint of the chain as it is now, to be kept elsewhere."""
        return self._ledger.settled()

    def accept_audit(self, reason: str, principal: str) -> None:
        """Go on from a chain that does not hold what its checkpoint saw; who says so and why is the chain's next line."""
        self._ledger.accept(reason, principal)


def _release(found: Bundle, verdicts: Sequence[Verdict], principal: str) -> Release:
    manifest = found.manifest
    return Release(
        model=manifest.model,
        digest=found.digest,
        version=manifest.version,
        sequence=manifest.sequence,
        parent=manifest.parent,
        created=manifest.created,
        expires=manifest.expires,
        registered=chance.stamp(),
        principal=principal,
        verdicts=tuple(verdicts),
    )


# ------------------------------------------------------------------------------------------------------- refusals


def _require_passed(verdicts: Sequence[Verdict], where: str) -> None:
    if worst(verdicts) in ("pass", "warn"):
        return
    reasons = "; ".join(f"{verdict.code} {verdict.message}" for verdict in failed(verdicts)[:5])
    raise Refused(
        f"The bundle has not passed its checks: {reasons or 'there is no verdict that says so'}",
        where=where,
        fix="Release it again; `seaway verify` says what is wrong with a bundle.",
    )


def _check_name(model: str) -> None:
    if not NAME.fullmatch(model):
        raise BadInput(
            f"{model[:80]!r} cannot be a model's name",
            where="model",
            fix="Use 1 to 64 of a-z, 0-9, dot, dash and underscore, beginning with a letter or digit.",
        )


def _check(assignment: Assignment) -> None:
    canary = assignment.canary
    if canary is not None and (canary[0] == assignment.champion or not 0 < canary[1] <= 1):
        raise BadInput(
            f"A canary is another release than the champion, with a share above 0 and at most 1, not {canary[1]}",
            where=assignment.model,
            fix="Correct the share, or promote the release.",
        )


def _moved(model: str, expect: int) -> Conflict:
    return Conflict(
        f"The assignment of {model} is not number {expect} any more: someone else moved it",
        where="registry",
        fix="Look at `seaway history`, then decide again.",
    )
