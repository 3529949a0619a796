"""run.html: what was tried, what came of it, how far it can be trusted, and what it was made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seaway.core import durable
from seaway.core.candidate import Candidate
from seaway.core.chance import now
from seaway.core.dataset import Dataset
from seaway.core.metrics import METRICS
from seaway.core.protocols import Drawing, Task
from seaway.core.verdict import worst
from seaway.lab import checks
from seaway.lab.checks.subject import Figures, figures
from seaway.report import elements
from seaway.report import figures as chart
from seaway.report.figures import Interval
from seaway.report.markup import Html
from seaway.report.page import Section, page, section
from seaway.report.tables import Column, table
from seaway.report.text import count, duration, integer, interval, number, percent
from seaway.report.verdicts import verdict_list

NAME = "run.html"
SHOWN = 30
PLOTTED = 12

_MEANING = Column(title="meaning", align="left")
_PARAMETERS = Column(title="parameters", align="left")


def write(candidate: Candidate, folder: Path, data: Dataset, task: Task) -> Path:
    """Write the report into the run's folder and return where it is."""
    seen = figures(candidate)
    verdicts = [*data.notes, *checks.run(candidate, task)]
    metric = seen.figure.name
    score = seen.test or seen.oof
    lead = (
        f"{metric} {interval(score.value, score.low, score.high)} on {count(score.n, _unit(candidate))} "
        f"{'kept apart' if seen.test else 'out of fold'}."
        if score
        else f"{metric} cannot be told on these rows."
    )
    text = page(
        f"Run {candidate.digest[:12]}: {_about(candidate)}",
        lead,
        [
            _summary(candidate, seen),
            *_meanings(candidate),
            section("Checks", verdict_list(verdicts)),
            _leaderboard(candidate, seen),
            *_drawings(task.figures(candidate)),
            _members(candidate),
            _scores(candidate),
            _made_from(candidate, data),
        ],
        kind="Training run",
        made=now(),
        outcome=worst(verdicts),
    )
    path = folder / NAME
    durable.write(path, text.encode())
    return path


def _unit(candidate: Candidate) -> str:
    return "case" if candidate.oof.step.any() else "row"


def _about(candidate: Candidate) -> str:
    target = candidate.contract.target
    return f"predicting {target.name}" if target else candidate.contract.task


def _meanings(candidate: Candidate) -> list[Section]:
    """Say in words what each label means, where training found that out."""
    rows = [
        [label, note]
        for output in candidate.contract.outputs
        for label, note in zip(output.labels, output.notes, strict=False)
    ]
    return [section("What the answers mean", table(["answer", _MEANING], rows, is_fit=True))] if rows else []


def _summary(candidate: Candidate, seen: Figures) -> Section:
    name, base = seen.figure.name, seen.baseline
    tiles = []
    for score, rows in ((seen.test, "test rows"), (seen.oof, "out-of-fold rows")):
        if score:
            tiles.append(
                elements.Tile(
                    label=f"{name}, {rows}",
                    value=number(score.value, 4),
                    note=f"95 %: {number(score.low, 4)} to {number(score.high, 4)}",
                )
            )
    if base is not None and seen.best_baseline is not None:
        tiles.append(
            elements.Tile(
                label=f"{name}, baseline", value=number(base, 4), note=f"what {seen.best_baseline['model']!r} answers"
            )
        )
    trials = sum(not trial["is_baseline"] for trial in seen.trials)
    tiles.append(
        elements.Tile(
            label="trials",
            value=integer(trials),
            note=f"in {duration(sum(float(trial['seconds']) for trial in seen.trials))}; {candidate.figures['stopped']}",
        )
    )
    return section("Result", elements.tiles(*tiles))


def _leaderboard(candidate: Candidate, seen: Figures) -> Section:
    name, sign = seen.figure.name, -1.0 if seen.figure.greater_is_better else 1.0
    known = [trial for trial in seen.trials if name in trial["scores"]]
    order = sorted(known, key=lambda trial: sign * float(trial["scores"][name]))
    others = [metric for metric in METRICS if order and metric in order[0]["scores"] and metric != name][:3]
    rows = [
        [
            _name(trial),
            trial["scores"][name],
            _reach(trial),
            *(trial["scores"].get(metric) for metric in others),
            duration(trial["seconds"]),
            percent(trial["weight"]) if trial["weight"] else None,
        ]
        for trial in order
    ]
    plotted = {_name(trial): Interval(trial["scores"][name], *trial.get("interval", ())) for trial in order[:PLOTTED]}
    return section(
        "Leaderboard",
        chart.dots(plotted, title=f"{name}, {'higher' if sign < 0 else 'lower'} is better", width=chart.WIDE),
        table(["trial", name, "95 %", *others, "time", "weight"], rows, limit=SHOWN),
        elements.details(
            "Parameters of every trial",
            table(["trial", _PARAMETERS], [[_name(trial), _shown(trial["params"])] for trial in order]),
        ),
        intro=f"{_asked(candidate)}; the weight is its part in the final ensemble.",
    )


def _name(trial: Mapping[str, Any]) -> str:
    return f"{trial['number'] + 1} {trial['model']}"


def _asked(candidate: Candidate) -> str:
    if candidate.contract.truth is None:
        return "Fits of every trial on different rows answered the same ones"
    return "Every trial answered rows it had not learnt from"


def _reach(trial: Mapping[str, Any]) -> str | None:
    low, high = trial.get("interval", (None, None))
    return None if low is None else f"{number(low)} to {number(high)}"


def _drawings(drawn: Sequence[Drawing]) -> list[Section]:
    made = [elements.figure(Html(one.svg), one.note) for one in drawn]
    return [section("Figures", elements.gallery(*made))] if made else []


def _members(candidate: Candidate) -> Section:
    rows = [
        [member["model"], percent(member["weight"]), _shown(member["params"])]
        for member in candidate.figures["members"]
    ]
    return section(
        "Ensemble",
        table(["model", "weight", _PARAMETERS], rows),
        f"The members' margins are added by weight; the last step is {candidate.figures['finish']}.",
    )


def _scores(candidate: Candidate) -> Section:
    known = {name.partition(".")[2] for name in candidate.scores}
    rows = []
    for name in (name for name in METRICS if name in known):
        shown = []
        for prefix in ("test", "oof"):
            score = candidate.scores.get(f"{prefix}.{name}")
            shown.append(interval(score.value, score.low, score.high) if score else None)
        rows.append([name, *shown])
    return section(
        "Scores",
        table(["metric", "test rows", "out of fold"], rows, is_fit=True),
        _steps(candidate),
        intro="With 95 % intervals from a bootstrap by case.",
    )


def _steps(candidate: Candidate) -> Html | None:
    """The test score by how far ahead, where answers look ahead."""
    rows = []
    for name, score in candidate.scores.items():
        first, _, last = name.partition("@")[2].partition("-")
        if first:
            steps = first if first == last else f"{first} to {last}"
            rows.append([steps, number(score.value), f"{number(score.low)} to {number(score.high)}"])
    name = candidate.figures["metric"]
    title = f"{name} by steps ahead, test rows"
    return table(["steps ahead", name, "95 %"], rows, caption=title, is_fit=True) if rows else None


def _made_from(candidate: Candidate, data: Dataset) -> Section:
    lineage = candidate.lineage
    settings = {f"{part}.{name}": value for part, held in lineage.settings.items() for name, value in held.items()}
    split = f"{lineage.split['rule']}, {count(len(data.split.train), 'row')} to learn from, {integer(len(data.split.test))} to judge on"
    return section(
        "Made from",
        elements.facts(
            {
                "candidate": candidate.digest,
                "contract": candidate.contract.digest,
                "data": f"{count(len(data.rows), 'row')}, fingerprint {data.fingerprint}",
                "split": split,
                "code": lineage.git.get("commit", "not in a git repository")
                + (f", with changes {lineage.git['diff'][:12]}" if "diff" in lineage.git else ""),
            }
        ),
        elements.details("Settings", elements.facts({name: str(value) for name, value in settings.items()})),
        elements.details("Packages", elements.facts(dict(lineage.packages))),
    )


def _shown(params: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value if isinstance(value, str) else number(float(value))}" for name, value in params.items()
    )
