"""The registry: releases under a model's name, the assignment that says which of them answer, and how it came about.

Every move of state is one transaction. An assignment is replaced by one with the next sequence, never changed; who wants
to replace it names the sequence that was seen, so that of two who move at once the second learns of the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from seaway.core import bundle, chance
from seaway.core.assignment import Assignment
from seaway.core.contract import NAME
from seaway.core.errors import BadInput, Conflict, NotFound, Refused
from seaway.core.verdict import Verdict, failed, worst
from seaway.registry import rows, schema
from seaway.registry.bundles import FolderStore
from seaway.registry.connect import open_engine, transaction
from seaway.registry.former import former as former_of
from seaway.security.sign import TrustFolder


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """What a build may call itself, fixed before it starts so that a repeated build gives the same bytes.

    `sequence` orders all releases of the registry; `parent` is the champion of the moment, `created` RFC 3339.
    """

    model: str
    key: str
    version: int
    sequence: int
    parent: str
    created: str


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle registered under a model's name."""

    model: str
    digest: str
    version: int
    sequence: int
    parent: str
    created: str
    expires: str
    registered: str
    principal: str
    verdicts: tuple[Verdict, ...]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the history: who did what (`kind`) when and why, on which evidence."""

    number: int
    model: str
    at: str
    kind: str
    sequence: int | None
    principal: str
    reason: str
    evidence: tuple[Verdict, ...]


class Registry:
    """The registry of one project. Safe to use from any thread and any number of processes."""

    def __init__(self, state: Path) -> None:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = state / "registry.db"
        self._engine = open_engine(self._path)
        self._verifier = TrustFolder(state / "keys")
        self.store = FolderStore(state / "bundles")
        with transaction(self._engine, write=False) as connection:
            is_new = schema.is_new(connection, str(self._path))
        if is_new:
            with transaction(self._engine, write=True) as connection:
                schema.make(connection, str(self._path))
        self.store.clean()

    # ---------------------------------------------------------------------------------------------- releases

    def reserve(self, model: str, key: str) -> Reservation:
        """Return the version and sequence for a build; the same key (a candidate's digest) gets the same again."""
        if not NAME.fullmatch(model):
            raise BadInput(
                f"{model[:80]!r} cannot be a model's name",
                where="model",
                fix="Use 1 to 64 of a-z, 0-9, dot, dash and underscore, beginning with a letter or digit.",
            )
        table = schema.reservations
        with transaction(self._engine, write=True) as connection:
            known = connection.execute(select(table).where(table.c.model == model, table.c.key == key)).first()
            if known is not None:
                return rows.read(known, Reservation)
            rows.add_model(connection, model)
            newest = rows.newest(connection, model)
            made = Reservation(
                model=model,
                key=key,
                version=rows.next_number(connection, table.c.version, table.c.model == model),
                sequence=rows.next_number(connection, table.c.sequence),
                parent=newest.champion if newest else "",
                created=chance.stamp(),
            )
            connection.execute(insert(table).values(**msgspec.structs.asdict(made)))
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
        self.store.put(folder)
        release = Release(
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
        with transaction(self._engine, write=True) as connection:
            self._add_release(connection, release)
        return found.digest

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
            with transaction(self._engine, write=True) as connection:
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
                connection.execute(insert(schema.assignments).values(**rows.row_of(made), restores=restores))
                rows.write_down(connection, made.model, kind, made.sequence, principal, reason, evidence)
        except IntegrityError:  # a database without BEGIN IMMEDIATE: two inserted the same sequence
            raise _moved(made.model, expect) from None
        return made

    # ----------------------------------------------------------------------------------------------- history

    def history(self, model: str) -> list[Entry]:
        """Return everything that happened to a model, oldest first."""
        table = schema.history
        with transaction(self._engine, write=False) as connection:
            found = connection.execute(select(table).where(table.c.model == model).order_by(table.c.number))
            return [rows.read(row, Entry, "evidence") for row in found]

    def note(self, model: str, kind: str, *, reason: str, principal: str, evidence: Sequence[Verdict] = ()) -> None:
        """Write down a decision that moves nothing (a hold, a refusal), with its evidence."""
        with transaction(self._engine, write=True) as connection:
            rows.add_model(connection, model)
            newest = rows.newest(connection, model)
            rows.write_down(connection, model, kind, newest.sequence if newest else None, principal, reason, evidence)

    def _add_release(self, connection: Connection, release: Release) -> None:
        table = schema.releases
        same = (table.c.model == release.model) & (table.c.version == release.version)
        there = connection.execute(select(table.c.digest).where(same)).first()
        if there is not None:
            if there.digest != release.digest:
                raise Conflict(
                    f"Version {release.version} of {release.model} is {there.digest[:12]} already",
                    where="registry",
                    fix="Reserve a new version for this build.",
                )
            return
        rows.add_model(connection, release.model)
        row = msgspec.structs.asdict(release) | {"verdicts": rows.text_of(release.verdicts)}
        connection.execute(insert(table).values(**row))
        reason = f"version {release.version}: {release.digest}"
        rows.write_down(connection, release.model, "registered", None, release.principal, reason, release.verdicts)


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
