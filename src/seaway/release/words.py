"""The model card as text for people: Markdown that reads well as it is, too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]

_SPECIAL = {ord(sign): f"\\{sign}" for sign in "\\`*_[]<>|#"}


def markdown(card: Json) -> str:
    """Return the whole card."""
    sections = [
        _head(card),
        _section("Intended use", _use(card)),
        _section("What it predicts", _predicts(card["predicts"])),
        _section("What the answers mean", _meanings(card["predicts"])),
        _section("How good it is", _scores(card)),
        _section("How good it is by how far ahead it looks", _ahead(card["ahead"])),
        _section("Can its probabilities be believed?", _calibration(card["calibration"])),
        _section("Can its intervals be believed?", _coverage(card["coverage"])),
        _section("Limits and cautions", _bullets([*_own_words(card["limits"]), *map(_plain, card["cautions"])])),
        _section("Data", _data(card["data"], bool(card["predicts"]["series"]))),
        _section("What a row must look like", _columns(card["columns"])),
        _section("Proof that the program is the model", _parity(card["parity"])),
        _section("How it is watched and renewed", _watching(card["monitor"], card["update"])),
        _section("Where it comes from", _lineage(card)),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _head(card: Json) -> str:
    return (
        f"# Model card: {_plain(card['model'])}, version {card['version']}\n\n"
        f"Made {_day(card['created'])}, to be used until {_day(card['expires'])}. "
        "Every figure on this card was computed when the release was built."
    )


def _use(card: Json) -> str:
    return _plain(card["use"]) or "Not stated. Set `use` under `[release]` in seaway.toml to say what the model is for."


def _own_words(text: str) -> list[str]:
    return [_plain(text)] if text else []


def _predicts(predicts: Json) -> str:
    case = predicts["per"]
    target = f"**{_plain(predicts['target'])}**" if predicts["target"] else "the target"
    classes = predicts["classes"]
    if classes:
        return f"For each {case} one of {len(classes)} classes of {target}, with a probability each: {_some(classes)}."
    if not predicts["truth"]:
        return _unnamed(predicts, case)
    unit = f" in {_plain(predicts['unit'])}" if predicts["unit"] else ""
    if predicts["series"]:
        return _steps(predicts["series"], f"{target}{unit}")
    return f"For each {case} the number {target}{unit}."


def _unnamed(predicts: Json, case: str) -> str:
    """Say what is answered where nobody had named it before training."""
    labels = predicts["labels"]
    first = f"one of {len(labels)} groups that training found by itself ({_some(labels)}), told as " if labels else ""
    return f"For each {case} {first}{_some(predicts['outputs'])}."


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return ", ".join(f"`{_code(name)}`" for name in names[:20]) + more


def _steps(series: Json, target: str) -> str:
    horizon, zone = series["horizon"], series.get("zone", "UTC")
    history = (
        f" Of the history that a request brings, the newest {series['history']:,} rows count."
        if series.get("history")
        else ""
    )
    season = f" A season has {series['season']:,} rows." if series.get("season", 1) > 1 else ""
    return (
        f"For each series up to {horizon:,} values ahead of {target}, one every `{_code(series['frequency'])}`: the expected "
        f"value and quantiles.{history}{season} Times without an offset are read as in {_plain(zone)}."
    )


def _meanings(predicts: Json) -> str:
    return _bullets(f"`{_code(meaning['label'])}`: {_plain(meaning['note'])}" for meaning in predicts["meanings"])


def _scores(card: Json) -> str:
    """Return the table of scores; the column of the guess stands where there is one to compare with."""
    scores = card["scores"]
    if not scores:
        return "No test scores were recorded."
    has_guess = any(score["baseline"] for score in scores)
    rows = [
        (
            f"`{_code(score['metric'])}`" + _direction(score["greater_is_better"]),
            _interval(score["test"]),
            _interval(score["folds"]),
            *([_interval(score["baseline"])] if has_guess else []),
        )
        for score in scores
    ]
    names = ["metric", "test rows", "cross-validation", *(["without looking at the row"] if has_guess else [])]
    last = (
        " The last column is what the class shares or the mean of the training rows would score." if has_guess else ""
    )
    cases = max(score["test"]["n"] for score in scores)
    return f"{_judged(card['predicts'], cases)}; in brackets the 95 % interval (bootstrap by case).{last}\n\n{_table(names, rows)}"


def _judged(predicts: Json, cases: int) -> str:
    if predicts["series"]:
        return f"On the newest rows of {cases:,} series, which it never learnt from"
    if not predicts["truth"]:
        return f"How clear and how stable its groups are, since nobody knows the right ones: on {cases:,} cases"
    return f"On {cases:,} cases that it never learnt from"


def _ahead(parts: Sequence[Json]) -> str:
    rows = [(f"`{_code(part['metric'])}`", _plain(part["steps"]), _interval(part["test"])) for part in parts]
    return _table(("metric", "steps ahead", "test rows"), rows) if rows else ""


def _coverage(coverage: Json | None) -> str:
    if coverage is None:
        return ""
    rows = [(_plain(part["steps"]), f"{part['came_true']:.1%}", f"{part['values']:,}") for part in coverage["steps"]]
    return (
        f"Its {coverage['stated']:.0%} intervals held {coverage['came_true']:.1%} of the {coverage['values']:,} values that came "
        f"true on the test rows.\n\n{_table(('steps ahead', 'came true', 'values'), rows)}"
    )


def _calibration(calibration: Json | None) -> str:
    if calibration is None:
        return ""
    rows = [(f"{part['stated']:.1%}", f"{part['came_true']:.1%}", f"{part['cases']:,}") for part in calibration["bins"]]
    return (
        f"Stated probability of {_plain(calibration['about'])} beside how often it came true on the test rows; the mean "
        f"gap is {calibration['error']:.1%}.\n\n{_table(('stated', 'came true', 'cases'), rows)}"
    )


def _data(data: Json, is_series: bool) -> str:
    split = ", ".join(f"{_plain(name)} {_listed(value)}" for name, value in sorted(data["split"].items()))
    judged = f"the newest rows of {data['test_cases']:,} series" if is_series else f"{data['test_cases']:,} others"
    lines = [
        f"Learnt from {data['train_cases']:,} {'rows' if is_series else 'cases'}, judged on {judged} (split: {split or 'not recorded'}).",
        *(
            [f"The search compared models on {data['searched_cases']:,} of them."]
            if data["searched_cases"] < data["train_cases"] and not is_series
            else []
        ),
        f"Content digest of the data: `{_code(data['fingerprint'])}`.",
    ]
    if data["classes"]:
        shares = ", ".join(f"{_plain(name)} {share:.1%}" for name, share in list(data["classes"].items())[:20])
        lines.append(f"Classes among the training cases: {shares}.")
    return _bullets(lines)


def _columns(columns: Sequence[Json]) -> str:
    rows = [(_plain(column["name"]), _kind(column), _allowed(column), _marks(column)) for column in columns]
    return "The full contract, with every category, is contract.json in the bundle.\n\n" + _table(
        ("column", "kind", "values seen in training", "notes"), rows
    )


def _kind(column: Json) -> str:
    return f"{column['kind']} ({_plain(column['unit'])})" if column["unit"] else str(column["kind"])


def _allowed(column: Json) -> str:
    if column["kind"] == "category":
        return f"{column['categories']} categories"
    if column["range"]:
        return f"{_number(column['range'][0])} to {_number(column['range'][1])}"
    return ""


def _marks(column: Json) -> str:
    notes = [
        "must be there" if column["missing"] == "error" else "",
        "unseen category refused" if column["unseen"] == "error" else "",
        "personal" if column["personal"] else "",
        "protected" if column["protected"] else "",
        "known ahead" if column["ahead"] else "",
    ]
    return ", ".join(note for note in notes if note)


def _parity(certificate: Json) -> str:
    subjects = {"R011": "requests made from the contract", "R012": "held-out rows"}
    lines = [
        f"{subjects.get(proof['code'], proof['code']).capitalize()}: {_plain(proof['message'])}."
        for proof in certificate["proofs"]
    ]
    return (
        "The signed program was asked the same questions as the trained model in its own library. A number may differ by "
        f"{certificate['tolerance']:.0e} of max(1, its size); a decision may differ only at an exact tie.\n\n{_bullets(lines)}"
    )


def _watching(monitor: Json, update: Json) -> str:
    canary = ", then ".join(f"{share:.0%}" for share in update["canary"]) or "none"
    return _bullets(
        [
            (
                f"Every {monitor['window']:,} rows: drift by column at a false discovery rate of {monitor['false_discovery']:.0%} "
                f"and a population stability index of at least {monitor['psi']:g}."
            ),
            (
                f"Alarms: missing values up by {monitor['missing']:.0%}, more than {monitor['refusals']:.0%} refused requests, "
                f"99th percentile of latency above {monitor['latency_ms']:g} ms, or a fall of {monitor['margin']:g} in the "
                f"deciding metric on {monitor['labels']:,} labels or more."
            ),
            (
                f"A challenger must not be worse by {update['margin']:g} with probability {1 - update['alpha']:.0%}, on at least "
                f"{update['labels']:,} labelled cases that neither model learnt from."
            ),
            (
                f"It then answers {update['shadow']:,} requests unseen, then for {canary} of the callers, and is taken back by "
                f"itself when more than {update['errors']:.0%} of its answers fail."
            ),
            "policy.json in the bundle holds these figures, signed.",
        ]
    )


def _lineage(card: Json) -> str:
    lineage = card["lineage"]
    packages = ", ".join(f"{_plain(name)} {_plain(version)}" for name, version in sorted(lineage["packages"].items()))
    parent = f"`{_code(card['parent'][:12])}`" if card["parent"] else "none, it is the first"
    return _bullets(
        [
            (
                f"Candidate `{_code(lineage['candidate'])}`: {lineage['members']} member(s) of {lineage['trials']} trial(s), "
                f"seed {lineage['seed']}."
            ),
            f"Champion when it was made: {parent}.",
            f"Code: commit `{_code(lineage['commit'])}`." if lineage["commit"] else "Code: not under version control.",
            f"Made with {packages}." if packages else "Package versions were not recorded.",
        ]
    )


# ----------------------------------------------------------------------------------------------------- small forms


def _section(title: str, body: str) -> str:
    return f"## {title}\n\n{body}" if body else ""


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _plain(value: object) -> str:
    """Return text that Markdown shows as it is: what a column is called can format nothing."""
    return " ".join(str(value).split()).translate(_SPECIAL)


def _listed(value: object) -> str:
    return " / ".join(map(_plain, value)) if isinstance(value, list | tuple) else _plain(value)


def _code(value: object) -> str:
    return " ".join(str(value).split()).replace("`", "'")


def _day(stamp: str) -> str:
    return stamp[:10] or "an unknown day"


def _number(value: float) -> str:
    return f"{value:,.6g}"


def _interval(score: Json | None) -> str:
    if score is None or score["value"] is None:
        return "not known"
    if score["low"] is None or score["high"] is None:
        return _figure(score["value"])
    return f"{_figure(score['value'])} ({_figure(score['low'])} to {_figure(score['high'])})"


def _figure(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 100 else f"{value:,.4g}"


def _direction(greater_is_better: bool | None) -> str:
    if greater_is_better is None:
        return ""
    return " (higher is better)" if greater_is_better else " (lower is better)"
