"""`seaway update`: one state machine with a journal. Killed anywhere, the same command goes on to the same end.

decide -> rebuild -> publish -> gate -> shadow -> canary 1..k -> promote -> probation
              hold at any step: labels, requests or a server are lacking, and the next run goes on there
              rejected at the gate, or rolled back by live evidence at any step after it
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from seaway.core.assignment import Assignment
from seaway.core.project import Project
from seaway.core.settings import Settings
from seaway.core.verdict import Verdict
from seaway.lab.progress import Progress, Silent
from seaway.monitor.watch import open_windows
from seaway.registry.store import Registry
from seaway.update import journal, rollback, stages, steps
from seaway.update.turn import Overtaken, Stop, Turn

Step = Callable[[Turn], dict[str, Any] | Stop]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Where the model stands after a turn.

    `state` is nothing, hold, rejected, undecided, rolled back, overtaken, abandoned or promoted; `needed` labels are lacking
    where it holds for want of them.
    """

    state: str
    reason: str
    verdicts: tuple[Verdict, ...]
    assignment: Assignment
    update: str = ""
    needed: int = 0


def run(
    project: Project,
    settings: Settings,
    *,
    registry: Registry | None = None,
    asked: bool = False,
    progress: Progress | None = None,
    wait_s: float | None = None,
) -> Outcome:
    """Take one turn: begin an update where there is reason to, go on with one that is not ended, or say why there is nothing to do.

    Waits for live traffic and labels `wait_s` seconds in all (`update.wait_s` without it).
    """
    model = settings.project.name
    folder = project.updates / model
    with journal.locked(folder), open_windows(project, model, settings.monitor) as windows:
        newest = journal.newest(folder)
        is_open = newest is not None and newest.facts("end") is None
        turn = Turn(
            project=project,
            settings=settings,
            registry=registry or Registry(project.state),
            windows=windows,
            journal=newest if newest is not None and is_open else journal.following(folder),
            progress=progress or Silent(),
            patience_s=settings.update.wait_s if wait_s is None else wait_s,
        )
        windows.refresh()
        stop = _go(turn, asked)
        return Outcome(
            state=stop.state,
            reason=stop.reason,
            verdicts=stop.verdicts,
            assignment=turn.assignment,
            update=turn.journal.name,
            needed=int(stop.facts.get("needed", 0)),
        )


def _go(turn: Turn, asked: bool) -> Stop:
    if turn.journal.facts("decide") is None:
        regretted = rollback.regret(turn)
        if regretted is not None:
            return regretted
        decided = steps.decide(turn, asked=asked)
        if isinstance(decided, Stop):
            return decided
        turn.journal.write("decide", **decided)
    try:
        return _stepped(turn)
    except Overtaken as other:
        return _ended(turn, _by_others(turn, str(other)))


def _by_others(turn: Turn, words: str) -> Stop:
    """Say how an update ends that someone else decided."""
    published = turn.journal.facts("publish")
    is_promoted = published is not None and turn.assignment.champion == published["digest"]
    return Stop(state="promoted" if is_promoted else "overtaken", reason=words, is_end=True)


def _stepped(turn: Turn) -> Stop:
    if turn.journal.facts("rollback intended") is not None:
        return _ended(turn, rollback.resumed(turn))
    if not turn.journal.last.endswith(" intended"):
        turn.require(turn.sequence, turn.assignment)
    for name, step in _steps(turn.settings):
        if turn.journal.facts(name) is None:
            result = step(turn)
            if isinstance(result, Stop):
                return _ended(turn, result) if result.is_end else _paused(turn, name, result)
            turn.journal.write(name, **result)
    reason = str(turn.known("decide")["reason"])
    return _ended(
        turn, Stop(state="promoted", reason=reason, verdicts=steps.verdicts_of(turn.known("probation")), is_end=True)
    )


def _steps(settings: Settings) -> list[tuple[str, Step]]:
    return [
        ("rebuilt", steps.rebuilt),
        ("publish", steps.published),
        ("gate", steps.gate),
        ("shadow", stages.shadow),
        *((f"canary {step + 1}", stages.canary(step)) for step in range(len(settings.update.canary))),
        ("promote", stages.promotion),
        ("probation", stages.probation),
    ]


def _paused(turn: Turn, name: str, stop: Stop) -> Stop:
    turn.note(f"{name} {stop.state}", stop.reason, stop.verdicts)
    return stop


def _ended(turn: Turn, stop: Stop) -> Stop:
    """Close the update. The history first: a crash between the two says the same once more, which `note` takes as one."""
    turn.note(stop.state, stop.reason, stop.verdicts)
    turn.journal.write("end", state=stop.state, reason=stop.reason)
    return stop
