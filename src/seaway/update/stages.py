"""The steps in live traffic: shadow, canary by canary, promotion, and a time of probation. Bad evidence rolls back at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from seaway.core.assignment import Assignment
from seaway.core.event import Arm
from seaway.core.verdict import Verdict, failed
from seaway.monitor.window import NOW
from seaway.update import live, rollback
from seaway.update.live import Traffic
from seaway.update.turn import Stop, Turn

Result = dict[str, Any] | Stop


def shadow(turn: Turn) -> Result:
    """Let the challenger answer unseen, and compare what it answers with what it answered when it was tested."""
    wanted = msgspec.structs.replace(
        _base(turn), shadows=(turn.challenger,), reason=f"update {turn.journal.name}: shadow"
    )
    since = _moved(turn, "shadow", wanted)
    if isinstance(since, Stop):
        return since
    need = turn.settings.update.shadow
    enough = _gathered(turn, "shadow", since, need, "the shadow answers")
    found = live.traffic(turn.windows, turn.challenger, "shadow", since)
    verdicts = [live.failures(found, turn.settings.update)]
    if not failed(verdicts) and not enough:
        return _short(turn, found.requests, need, "the shadow", verdicts)
    champion = live.traffic(turn.windows, turn.champion, "champion", since)
    verdicts += [
        live.differences(found, turn.answerer(turn.challenger), turn.settings.update),
        live.changed(champion, found, turn.contract),
    ]
    return _judged(turn, "shadow", verdicts, {"requests": found.requests}, need)


def canary(step: int) -> Callable[[Turn], Result]:
    """Return the step in which the challenger answers the `step`-th share of the requests."""

    def run(turn: Turn) -> Result:
        update = turn.settings.update
        share, name = update.canary[step], f"canary {step + 1}"
        base = _base(turn)
        wanted = msgspec.structs.replace(
            base,
            canary=(turn.challenger, share),
            salt=base.salt or turn.journal.name,
            reason=f"update {turn.journal.name}: canary with {share:.0%}",
        )
        since = _moved(turn, name, wanted)
        if isinstance(since, Stop):
            return since
        enough = _gathered(turn, "canary", since, update.canary_cases, f"the canary answers {share:.0%}")
        found = live.traffic(turn.windows, turn.challenger, "canary", since)
        verdicts = [live.failures(found, update)]
        if not failed(verdicts) and not enough:
            return _short(turn, found.requests, update.canary_cases, name, verdicts)
        champion = live.traffic(turn.windows, turn.champion, "champion", since)
        verdicts += [
            live.differences(found, turn.answerer(turn.challenger), update),
            live.slower(champion, found, update),
            *_arms(turn, since),
        ]
        split = live.ratio(champion, found, share)
        if failed([split]) and not failed(verdicts):
            turn.note(name, split.message, (*verdicts, split))
            return Stop(state="hold", reason=f"the comparison is void: {split.message}", verdicts=(*verdicts, split))
        return _judged(turn, name, [*verdicts, split], {"requests": found.requests}, update.canary_cases)

    return run


def promotion(turn: Turn) -> Result:
    """Let the challenger answer alone."""
    base = _base(turn)
    version, cause = turn.known("publish")["version"], turn.known("decide")["reason"]
    reason = f"update {turn.journal.name} promotes version {version}, which passed gate, shadow and canary; {cause}"
    wanted = Assignment(model=turn.model, sequence=0, champion=turn.challenger, salt=base.salt, reason=reason)
    evidence = tuple(
        verdict
        for name in ("look", "shadow", *(f"canary {step + 1}" for step in range(len(turn.settings.update.canary))))
        for verdict in msgspec.convert((turn.journal.facts(name) or {}).get("verdicts", []), tuple[Verdict, ...])
    )
    applied = turn.apply("promotion", wanted, evidence)
    return {"since": turn.moment(), "sequence": applied["sequence"]}


def probation(turn: Turn) -> Result:
    """Watch the new champion's first requests; it has been promoted already, so too little traffic is no hold."""
    since, need = int(turn.known("promote")["since"]), turn.settings.update.canary_cases
    turn.require(turn.sequence, turn.assignment)
    enough = _gathered(turn, "champion", since, need, "the new champion answers")
    found = live.traffic(turn.windows, turn.challenger, "champion", since)
    verdicts = [live.failures(found, turn.settings.update)]
    if not failed(verdicts) and not enough:
        reason = f"{turn.known('decide')['reason']}; {found.requests} of {need} requests of its probation have come"
        return Stop(state="promoted", reason=reason, verdicts=tuple(verdicts))
    verdicts.append(live.differences(found, turn.answerer(turn.challenger), turn.settings.update))
    return _judged(turn, "probation", verdicts, {"requests": found.requests}, need)


def _base(turn: Turn) -> Assignment:
    """Return the champion alone, with the salt it has: a caller keeps its arm from one canary step to the next."""
    now = turn.assignment
    return Assignment(model=turn.model, sequence=now.sequence, champion=turn.champion, salt=now.salt)


def _moved(turn: Turn, name: str, wanted: Assignment) -> int | Stop:
    """Move to the step's assignment; returns the sequence from which all servers follow it."""
    applied = turn.apply(name, wanted, _evidence(turn))
    known = turn.journal.facts(f"{name} followed")
    if known is not None:
        return int(known["since"])
    if not turn.followed(int(applied["sequence"])):
        reason = f"no server, or not every one, follows the assignment for {name} yet: see `seaway serve` and its log"
        return Stop(state="hold", reason=reason)
    return int(turn.journal.write(f"{name} followed", since=turn.moment())["since"])


def _evidence(turn: Turn) -> tuple[Verdict, ...]:
    looks = turn.journal.all("look")
    return msgspec.convert(looks[-1]["verdicts"], tuple[Verdict, ...]) if looks else ()


def _gathered(turn: Turn, arm: Arm, since: int, need: int, message: str) -> bool:
    """Wait for `need` requests; stop waiting as soon as failures say no."""
    is_bad = False

    def done() -> tuple[float, float]:
        nonlocal is_bad
        windows, challenger = turn.windows, turn.challenger
        refusals = [
            one for one in windows.refusals(since + 1, NOW, challenger) if one.arm == arm and one.release == challenger
        ]
        counted = Traffic(answered=windows.count(since, challenger, arm), replies=(), failures=tuple(refusals))
        is_bad = bool(failed([live.failures(counted, turn.settings.update)]))
        return (need, need) if is_bad else (counted.requests, need)

    return turn.wait(message, done) and not is_bad


def _arms(turn: Turn, since: int) -> list[Verdict]:
    figure = turn.release(turn.champion).metric
    if figure is None:
        return []
    asked = turn.cases(since)
    champion, canaried = (
        live.Arm(cases=[case for case in asked if case.release == digest], contract=turn.answerer(digest).contract)
        for digest in (turn.champion, turn.challenger)
    )
    return [live.arms(champion, canaried, figure, turn.settings.update)]


def _short(turn: Turn, have: int, need: int, what: str, verdicts: list[Verdict]) -> Stop:
    reason = f"{have} of {need} requests have come for {what}; `seaway update` goes on when there are more"
    return Stop(state="hold", reason=reason, verdicts=tuple(verdicts), facts={"have": have, "need": need})


def _judged(turn: Turn, name: str, verdicts: list[Verdict], facts: dict[str, Any], need: int) -> Result:
    if failed(verdicts):
        return rollback.withdraw(turn, verdicts)
    # What was needed and not what came: a crash between this note and the journal's line must find the same words again.
    turn.note(name, f"passed on {need} requests or more", verdicts)
    return {**facts, "verdicts": msgspec.to_builtins(verdicts)}
