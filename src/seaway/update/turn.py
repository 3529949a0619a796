"""One update under way: what its steps share, and how they move assignments once and only once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec

from seaway.core import chance
from seaway.core.answer import Answerer
from seaway.core.assignment import Assignment
from seaway.core.bundle import Bundle, open_bundle
from seaway.core.contract import Contract
from seaway.core.errors import NotFound
from seaway.core.project import Project
from seaway.core.settings import Settings
from seaway.core.verdict import Verdict
from seaway.lab.progress import Progress
from seaway.monitor.look import Release
from seaway.monitor.watch import release_of
from seaway.monitor.window import Case, Windows
from seaway.registry.rollout import RegistryRollout
from seaway.registry.store import Registry
from seaway.security.sign import TrustFolder
from seaway.update import lessons
from seaway.update.journal import Journal

PRINCIPAL = "update"
POLL_S = 0.2
READ = 5000
"""So many answers are read back where no truth says which of them can be judged."""


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Where an update stands when it cannot go on: `is_end` closes it, else the next `seaway update` goes on here."""

    state: str
    reason: str
    verdicts: tuple[Verdict, ...] = ()
    is_end: bool = False
    facts: dict[str, Any] = field(default_factory=dict)


class Overtaken(Exception):
    """Someone else moved the assignment; carries what they did. Caught by the loop, which ends the update."""


@dataclass(kw_only=True)
class Turn:
    """What the steps of one update share. `patience_s` is how long live traffic and labels are waited for, all steps together."""

    project: Project
    settings: Settings
    registry: Registry
    windows: Windows
    journal: Journal
    progress: Progress
    patience_s: float
    opened: dict[str, Answerer] = field(default_factory=dict)

    @property
    def model(self) -> str:
        """The model's name."""
        return self.settings.project.name

    @cached_property
    def rollout(self) -> RegistryRollout:
        """Moves assignments and sees them arrive."""
        return RegistryRollout(self.registry, self.project.serving, principal=PRINCIPAL)

    @property
    def assignment(self) -> Assignment:
        """What answers now."""
        found = self.registry.assignment(self.model)
        if found is None:
            raise NotFound(
                "The model has no release yet, so there is nothing to update",
                where=self.model,
                fix="Run `seaway train` and `seaway release` first.",
            )
        return found

    def known(self, step: str) -> dict[str, Any]:
        """Return the facts of a step that is done."""
        facts = self.journal.facts(step)
        if facts is None:
            raise NotFound(
                f"The journal of the update lacks its step {step!r}",
                where=str(self.journal.folder),
                fix="Restore the file from a backup, or remove the folder: the next `seaway update` begins anew.",
            )
        return facts

    @property
    def champion(self) -> str:
        """The release that the update would replace."""
        return str(self.known("decide")["champion"])

    @property
    def challenger(self) -> str:
        """The release that the update made."""
        return str(self.known("publish")["digest"])

    def bundle(self, digest: str) -> Bundle:
        """Open a release: verified, not yet answering."""
        return open_bundle(self.registry.store.get(digest), TrustFolder(self.project.keys))

    def answerer(self, digest: str) -> Answerer:
        """Open a release for answering, once."""
        if digest not in self.opened:
            self.opened[digest] = Answerer(self.registry.store.get(digest), TrustFolder(self.project.keys))
        return self.opened[digest]

    def release(self, digest: str) -> Release:
        """Return what a release promised."""
        return release_of(self.bundle(digest))

    @cached_property
    def contract(self) -> Contract:
        """The contract of the release that answers: whether there is a truth to wait for does not change with a rebuild."""
        return self.bundle(self.assignment.champion).contract

    def count(self, after: int) -> int:
        """Count what was asked after a sequence and can be judged: truths, or answers where no truth is known."""
        return self.windows.answered_after(after) if self.contract.truth is None else self.windows.labelled_after(after)

    def cases(self, after: int) -> list[Case]:
        """Return the cases asked after a sequence that can be judged, the newest `READ` where no truth is known."""
        if self.contract.truth is None:
            return self.windows.unlabelled(asked=after, newest=READ)
        return self.windows.labelled(asked=after)

    def unlearnt(self, after: int) -> list[Case]:
        """Return those that the log kept the rows of and that neither champion nor challenger can have learnt from."""
        held = [case for case in self.cases(after) if case.rows]
        return lessons.unlearnt(held, self.contract, int(self.known("rebuilt").get("learnt", 0)))

    # -------------------------------------------------------------------------------------------------- moving

    def apply(self, name: str, wanted: Assignment, evidence: Sequence[Verdict]) -> dict[str, Any]:
        """Make `wanted` the assignment, once: the intent is noted first, so that a crash between move and note is seen.

        Raises `Overtaken` where the assignment is not the one this update left.
        """
        now = self.assignment
        done = self.journal.facts(f"{name} applied")
        if done is not None:
            self.require(done["sequence"], now)
            return done
        intent = self.journal.facts(f"{name} intended")
        if intent is None:
            self.require(self.sequence, now)
            intent = self.journal.write(f"{name} intended", expect=now.sequence)
        if now.sequence == intent["expect"]:
            now = self.rollout.apply(msgspec.structs.replace(wanted, sequence=now.sequence), evidence=evidence)
        elif now.sequence != intent["expect"] + 1 or not _same(now, wanted):
            raise Overtaken(_words(now))
        return self.journal.write(f"{name} applied", sequence=now.sequence)

    @property
    def sequence(self) -> int:
        """The sequence of the assignment that this update found or made last."""
        return int(self.journal.newest_of("sequence") or 0)

    def require(self, sequence: int, now: Assignment) -> None:
        """Raise `Overtaken` unless the assignment is number `sequence`."""
        if now.sequence != sequence:
            raise Overtaken(_words(now))

    def note(self, kind: str, reason: str, evidence: Sequence[Verdict] = ()) -> None:
        """Write a decision into the history, once: a step that a crash repeats says the same again."""
        kind = f"update {self.journal.name} {kind}"
        newest = next((one for one in reversed(self.registry.history(self.model)) if one.kind == kind), None)
        if newest is None or newest.reason != reason:
            self.registry.note(self.model, kind, reason=reason, principal=PRINCIPAL, evidence=evidence)

    # ------------------------------------------------------------------------------------------------- waiting

    def wait(self, message: str, done: Callable[[], tuple[float, float]]) -> bool:
        """Look at the log until `done` returns (so many, of so many needed) that are enough, or time is up.

        Raises `Overtaken` when someone moves the assignment meanwhile: what is waited for will not come.
        """
        began = chance.monotonic()
        while True:
            self.require(self.sequence, self.assignment)
            self.windows.refresh()
            have, need = done()
            left = self.patience_s - (chance.monotonic() - began)
            self.progress.step(min(have, need), need, message, max(left, 0.0))
            if have >= need or left <= 0:
                self.patience_s = max(left, 0.0)
                return have >= need
            chance.sleep(min(POLL_S, left))

    def moment(self) -> int:
        """Return now as a sequence: what is logged from now on lies above it, also where a clock was set back."""
        self.windows.refresh()
        return max(int(chance.now() * 1_000_000), self.windows.newest_sequence())

    def followed(self, sequence: int) -> bool:
        """Wait until every serving worker follows the assignment; False where none does in time."""

        def count() -> tuple[float, float]:
            workers = self.rollout.answering(self.model).values()
            return sum(at >= sequence for _, at in workers), max(len(workers), 1)

        return self.wait("waiting for the servers to follow", count)


def _same(now: Assignment, wanted: Assignment) -> bool:
    return (now.champion, now.canary, now.shadows) == (wanted.champion, wanted.canary, wanted.shadows)


def _words(now: Assignment) -> str:
    return f"the assignment was moved by someone else (number {now.sequence}: {now.reason or 'no reason given'})"
