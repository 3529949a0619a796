"""The steps before live traffic: decide, rebuild, publish, gate. Each may be repeated after a crash with the same end."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from seaway.core import chance, extend
from seaway.core.contract import Contract
from seaway.core.errors import Refused
from seaway.core.protocols import Task
from seaway.core.settings import Settings
from seaway.core.verdict import Verdict, failed
from seaway.lab import train
from seaway.monitor import judged
from seaway.monitor.watch import monitor
from seaway.update import compare, journal, lessons, policy, publish, rebuild
from seaway.update.rebuild import Cut
from seaway.update.turn import PRINCIPAL, Stop, Turn

LOOKS, GROWTH = 6, 1.25
"""A gate looks so often at most, each time at a quarter more labels than the last: then the two are too alike to tell apart."""


def decide(turn: Turn, *, asked: bool) -> dict[str, Any] | Stop:
    """Look at the champion, and settle what a rebuild would learn from: the journal begins here."""
    now = turn.assignment
    release = turn.release(now.champion)
    report = monitor(turn.project, turn.model, turn.bundle(now.champion), turn.settings.monitor)
    turn.windows.refresh()
    before = journal.every(turn.journal.folder.parent)
    earlier = max((int(one.newest_of("asked") or 0) for one in before), default=0)
    decision = policy.decide(
        report.verdicts,
        labels=turn.count(earlier),
        noun="answers" if release.contract.truth is None else "labels",
        settings=turn.settings.update,
        since_s=chance.now() - _last(turn, before, now.champion),
        asked=asked,
    )
    if decision.action == "nothing":
        return Stop(state="nothing", reason=decision.reason, verdicts=report.verdicts)
    if decision.action == "hold":
        turn.note("hold", decision.reason, decision.evidence)
        return Stop(state="hold", reason=decision.reason, verdicts=report.verdicts, facts={"needed": decision.needed})
    if hidden := _unteachable(release.contract):
        reason = f"{', '.join(hidden)} are masked in the log, so its rows cannot teach; rebuild from the source: `seaway train`"
        turn.note("hold", reason)
        return Stop(state="hold", reason=reason, verdicts=report.verdicts)
    source = rebuild.source(turn.project, turn.settings).fingerprint
    checked = rebuild.same_source(source, _learnt(turn, before, now.champion))
    if failed([checked]):
        turn.note("hold", checked.message, [checked])
        return Stop(state="hold", reason=checked.message, verdicts=(checked,))
    new, series = lessons.gather(turn.windows, release.contract, after=earlier), release.contract.series
    known = (
        rebuild.cut(new, turn.settings.update.labels, earlier)
        if series is None
        else rebuild.cut_of_series(new, series.horizon, earlier)
    )
    turn.note("decide", decision.reason, (*decision.evidence, checked))
    return {
        "champion": now.champion,
        "sequence": now.sequence,
        "metric": release.metric.name if release.metric else "",
        "reason": decision.reason,
        "told": known.told,
        "asked": known.asked,
        "source": source,
        "at": chance.now(),
    }


def _unteachable(contract: Contract) -> list[str]:
    """Return the masked columns without which a logged row teaches nothing: where no truth is known, and of series.

    A table's labelled row teaches without them: its truth is told apart from it.
    """
    is_told_apart = contract.truth is not None and contract.series is None
    return [] if is_told_apart else compare.masked(contract)


def _last(turn: Turn, before: list[journal.Journal], champion: str) -> float:
    """Return when the model was last updated or released, in seconds since 1970."""
    if before and (at := before[0].newest_of("at")):
        return float(at)
    return datetime.fromisoformat(turn.registry.release(turn.model, champion).registered).timestamp()


def _learnt(turn: Turn, before: list[journal.Journal], champion: str) -> str:
    """Return the fingerprint of the source rows that the champion learnt from: of an update's release, what that update found."""
    for one in before:
        published, decided = one.facts("publish"), one.facts("decide")
        if published and decided and published["digest"] == champion:
            return str(decided["source"])
    return str(turn.bundle(champion).manifest.lineage["fingerprint"])


def rebuilt(turn: Turn) -> dict[str, Any] | Stop:
    """Train on old and new rows within the update's budget; the lab goes on with an interrupted run by itself."""
    data = _data(turn)
    settings = _training(turn.settings)
    task: Task = extend.load("task", data.contract.task)()
    found = train.train(
        data, task, settings, turn.journal.folder / "run", progress=turn.progress, started=chance.monotonic()
    )
    reason = f"candidate {found.digest[:12]} learnt from {len(data.split.train)} rows: {data.source}"
    turn.note("rebuild", reason, data.notes)
    return {
        "candidate": found.digest,
        "fingerprint": data.fingerprint,
        "rows": len(data.split.train),
        "learnt": rebuild.newest(data),
    }


def published(turn: Turn) -> dict[str, Any] | Stop:
    """Build, replay and register the candidate; a release that fails its checks ends the update."""
    data, settings = _data(turn), _training(turn.settings)
    if data.fingerprint != turn.known("rebuilt")["fingerprint"]:
        reason = "the rows are no longer those that the candidate learnt from"
        return Stop(state="abandoned", reason=reason, is_end=True)
    task: Task = extend.load("task", data.contract.task)()
    # A finished run is read back, not trained again.
    found = train.train(
        data, task, settings, turn.journal.folder / "run", progress=turn.progress, started=chance.monotonic()
    )
    try:
        made = publish.publish(
            found, data, project=turn.project, settings=settings, registry=turn.registry, principal=PRINCIPAL
        )
    except Refused as error:
        return Stop(state="rejected", reason=f"the release was refused: {error.what}", is_end=True)
    if made.digest == turn.champion:
        return Stop(state="nothing", reason="the rebuild gives the champion again", is_end=True)
    return {"digest": made.digest, "version": made.version}


def _data(turn: Turn) -> Any:
    facts = turn.known("decide")
    known = Cut(told=int(facts["told"]), asked=int(facts["asked"]))
    turn.windows.refresh()
    found = lessons.gather(turn.windows, turn.contract, upto=known.told)
    return rebuild.dataset(turn.project, turn.settings, found, known)


def _training(settings: Settings) -> Settings:
    """Return the settings of a rebuild: its own budget bounds the time, unless the work itself is fixed."""
    train_settings = msgspec.structs.replace(settings.train, budget_s=settings.update.budget_s)
    return settings if settings.train.trials else msgspec.structs.replace(settings, train=train_settings)


# ------------------------------------------------------------------------------------------------------------ gate


def gate(turn: Turn) -> dict[str, Any] | Stop:
    """Compare champion and challenger on cases that neither learnt from, waiting for labels while there is time."""
    asked = int(turn.known("decide")["asked"])
    while True:
        lines = turn.journal.all("look")
        if lines and (settled := _settled(lines[-1], len(lines))) is not None:
            return settled
        peeks = turn.journal.all("peek")
        last = lines[-1] if lines else peeks[-1] if peeks else None
        if last is not None:
            least = _least(last, turn.settings.update.labels, is_look=bool(lines))
            words = f"waiting for {'answers' if turn.contract.truth is None else 'labels'} to judge on"
            if not turn.wait(words, partial(_counted, turn, asked, least)):
                return _held(last)
        stop = _look(turn, asked, len(lines) + 1)
        if stop is not None:
            return stop


def _least(last: dict[str, Any], labels: int, *, is_look: bool) -> int:
    """Return how many cases the next look needs: a quarter more than the last, or what it lacked to judge at all."""
    return max(labels, round(GROWTH * last["cases"])) if is_look else int(last["cases"] + max(last["needed"], 1))


def _counted(turn: Turn, asked: int, least: int) -> tuple[float, float]:
    return turn.count(asked), least


def _look(turn: Turn, asked: int, look: int) -> Stop | None:
    """Look once and note what was seen, in one line: what a crash repeats is the reading of that line, not the look."""
    update = turn.settings.update
    figure = turn.release(turn.champion).metric
    champion, challenger = turn.answerer(turn.champion), turn.answerer(turn.challenger)
    hidden = compare.masked(challenger.contract)
    if figure is None or hidden:
        lacking = f"{', '.join(hidden)} are masked in the log" if hidden else "the champion has no test score"
        return Stop(state="hold", reason=f"the two cannot be compared offline ({lacking}); a person may promote")
    seen, cases = turn.count(asked), turn.unlearnt(asked)
    both = compare.pair(champion, challenger, cases)
    found = compare.gain(
        both.champion, both.challenger, figure, compare.spent(update.alpha, look), cases=both.cases, seed=look
    )
    performance = compare.performance(found, figure, update, look)
    verdicts = (
        performance,
        compare.latency(champion, challenger, judged.queries(cases), update.latency),
        compare.parity(challenger),
    )
    turn.note("gate", performance.message, verdicts)
    turn.journal.write(
        # Too few labels to judge at all is no look: nothing of alpha is spent on it.
        "look" if found.cases >= update.labels or failed(verdicts) else "peek",
        cases=seen,
        needed=int(performance.evidence["needed"]),
        verdicts=msgspec.to_builtins(verdicts),
    )
    return None


def _settled(line: dict[str, Any], looks: int) -> dict[str, Any] | Stop | None:
    """Return what a look decided; None where it asks for more labels."""
    verdicts = verdicts_of(line)
    if bad := failed(verdicts):
        return Stop(state="rejected", reason=bad[0].message, verdicts=verdicts, is_end=True)
    if verdicts[0].outcome == "pass":
        return {"cases": line["cases"], "gain": verdicts[0].value}
    if looks >= LOOKS:
        reason = f"after {looks} looks the two are too alike to tell apart; a person may promote: {verdicts[0].message}"
        return Stop(state="undecided", reason=reason, verdicts=verdicts, is_end=True)
    return None


def _held(line: dict[str, Any]) -> Stop:
    verdicts = verdicts_of(line)
    reason = f"{line['needed']} more are needed: {verdicts[0].message}"
    return Stop(state="hold", reason=reason, verdicts=verdicts, facts={"needed": line["needed"]})


def verdicts_of(line: dict[str, Any]) -> tuple[Verdict, ...]:
    """Return the verdicts that a line of the journal keeps."""
    return msgspec.convert(line.get("verdicts", []), tuple[Verdict, ...])
