"""Back to what answered before: the whole former assignment in one move, by itself when live evidence says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from seaway.core.assignment import Assignment
from seaway.core.verdict import Verdict, failed
from seaway.monitor.performance import in_units
from seaway.registry import promote
from seaway.update import compare
from seaway.update.journal import Journal, every
from seaway.update.turn import PRINCIPAL, Stop, Turn


def withdraw(turn: Turn, evidence: Sequence[Verdict]) -> Stop:
    """Take the challenger out of live traffic, whatever part it has there.

    The intent is noted first, so that `resumed` finishes what a crash interrupts. Raises `Overtaken` where the assignment is not
    the one this update left: nobody else's move is undone.
    """
    turn.require(turn.sequence, turn.assignment)
    reason = f"rolled back: {failed(evidence)[0].message}"
    turn.journal.write(
        "rollback intended", expect=turn.sequence, reason=reason, verdicts=msgspec.to_builtins(tuple(evidence))
    )
    return resumed(turn)


def is_due(journal: Journal) -> bool:
    """Say whether a rollback was intended and not noted as done."""
    return journal.facts("rollback intended") is not None and journal.facts("rollback applied") is None


def resumed(turn: Turn) -> Stop:
    """Do what was intended, unless it is done: the assignment tells."""
    intent = turn.known("rollback intended")
    evidence = msgspec.convert(intent["verdicts"], tuple[Verdict, ...])
    now = turn.assignment
    if now.sequence == intent["expect"]:
        now = _withdrawn(turn, now, intent["reason"], evidence)
    turn.journal.write("rollback applied", sequence=now.sequence)
    return Stop(state="rolled back", reason=intent["reason"], verdicts=evidence, is_end=True)


def _withdrawn(turn: Turn, now: Assignment, reason: str, evidence: Sequence[Verdict]) -> Assignment:
    if now.champion == turn.challenger or now.canary is not None:
        return promote.rollback(turn.registry, turn.model, reason, PRINCIPAL, evidence=evidence)
    # A shadow is only left out: nobody has been answered by it.
    alone = msgspec.structs.replace(now, shadows=(), reason=reason)
    return turn.rollout.apply(alone, evidence=evidence)


def regret(turn: Turn) -> Stop | None:
    """Roll back the newest promotion where what came true since says that the former release would have been better.

    Looked at once for so many new labels; each look uses its part of alpha, as in the gate.
    """
    journal = _promoted(turn)
    if journal is None:
        return None
    turn = replace(turn, journal=journal)
    if is_due(journal):
        return resumed(turn)
    figure, looks = turn.release(turn.challenger).metric, journal.all("regret")
    needed = turn.settings.update.labels * (len(looks) + 1)
    since = int(turn.known("promote")["since"])
    is_ours = turn.assignment.sequence == turn.sequence
    if figure is None or not is_ours or turn.count(since) < needed:
        return None
    if compare.masked(turn.answerer(turn.champion).contract):
        return None
    cases = turn.unlearnt(since)
    both = compare.pair(turn.answerer(turn.challenger), turn.answerer(turn.champion), cases)
    alpha = compare.spent(turn.settings.update.alpha, len(looks) + 1)
    found = compare.gain(both.champion, both.challenger, figure, alpha, cases=both.cases, seed=len(looks))
    margin = in_units(figure, found.champion, turn.settings.update.margin)
    worse = found.lower > margin
    verdict = Verdict(
        code="U009",
        outcome="fail" if worse else "pass",
        subject=figure.name,
        message=f"Since its promotion the champion's {figure.name} is {found.champion:.4g}, its predecessor's would have been "
        f"{found.challenger:.4g} on the same {found.cases} cases",
        fix="The former assignment answers again; look at what the rebuild learnt from." if worse else "",
        value=-found.value,
        limit=-margin,
        evidence={"lower_bound": found.lower, "cases": found.cases, "look": len(looks) + 1},
    )
    journal.write("regret", cases=found.cases, worse=worse)
    return withdraw(turn, (verdict,)) if worse else None


def _promoted(turn: Turn) -> Journal | None:
    """Return the journal of the update whose challenger is the champion now."""
    champion = turn.assignment.champion
    for one in every(turn.journal.folder.parent):
        published = one.facts("publish")
        if published and published["digest"] == champion and one.facts("promote"):
            return one
    return None
