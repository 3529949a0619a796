"""Frozen settings: arguments > environment (`SEAWAY_<SECTION>_<NAME>`) > seaway.toml > defaults."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from seaway.core.errors import BadInput

DEFAULT_TASK = "tabular"
"""What a project is about unless it says otherwise: the one place outside its folder that names a task."""


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of seaway.toml."""


class ProjectSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[project] What the model is called and where its data are.

    `data` is a file, relative to the project; `test` a file with the rows that judge (else a share of `data` does);
    `task` is a task's name; `recipe` an optional recipe.
    """

    name: str = "model"
    task: str = DEFAULT_TASK
    data: str = ""
    test: str = ""
    recipe: str = ""


class SplitSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[split] Which rows judge. `rule` "auto" takes group, time or stratified by what the contract marks.

    `test` is the share kept apart; `folds` is the number of cross-validation folds.
    """

    rule: Literal["auto", "random", "stratified", "group", "time"] = "auto"
    test: float = 0.2
    folds: int = 5


class TrainSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[train] How much work. `budget_s` bounds the time (0 = no bound), `trials` fixes the work (0 = as many as fit).

    `search` names the sampler; `threads` 0 takes every core.
    """

    budget_s: float = 60.0
    trials: int = 0
    search: Literal["bayes", "random", "grid"] = "bayes"
    preset: Literal["fast", "balanced", "best"] = "balanced"
    seed: int = 0
    threads: int = 0
    dedupe: bool = True
    calibrate: bool = True
    metric: str = ""


class ReleaseSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[release] `days` until a bundle expires; `tolerance` of the parity gate, relative to max(1, |value|).

    `use` and `limits` are the project's own words for the model card: what the model is for, and what it is not for.
    """

    days: int = 730
    tolerance: float = 1e-6
    use: str = ""
    limits: str = ""


class ServeSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[serve] Where and how to answer.

    `durability`: "disk" answers after fsync (loses nothing acknowledged), "process" after the write reached the kernel
    (loses it with the machine), "none" before (loses what is in memory). `keep` is the share of requests whose rows are
    logged. Limits: `max_body` bytes, `max_rows` rows, `max_depth` JSON levels, `max_text` characters of one text.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    durability: Literal["disk", "process", "none"] = "disk"
    keep: float = 1.0
    max_body: int = 16 << 20
    max_rows: int = 10_000
    max_depth: int = 32
    max_text: int = 65_536
    segment_bytes: int = 64 << 20
    segment_s: float = 300.0
    poll_s: float = 0.2


class MonitorSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[monitor] What counts as a finding.

    `window` rows per window; `false_discovery` is the rate held over all columns of a window (Benjamini & Hochberg
    1995); `psi` the minimum effect (population stability index) below which a shift is no finding; `latency_ms` the
    99th percentile allowed; `refusals` the share of refused requests allowed; `margin` how far the deciding metric may
    fall below the release's test score before it is a finding; `labels` the least number of labels to judge on.
    """

    window: int = 1000
    false_discovery: float = 0.01
    psi: float = 0.1
    missing: float = 0.05
    latency_ms: float = 250.0
    refusals: float = 0.05
    margin: float = 0.02
    labels: int = 200


class UpdateSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[update] When to rebuild and what a challenger must show.

    `triggers`: "drift", "performance", "schedule"; `every_s` the schedule (0 = never). A challenger must not be worse than
    the champion by more than `margin` of the deciding metric with probability 1 - `alpha` (paired bootstrap by case) on
    at least `labels` labelled cases that neither has learnt from; its 99th percentile of latency may be `latency` times
    the champion's. `shadow` requests are compared first, then the shares of `canary` in turn with `canary_cases` cases each;
    `errors` is the share of failed or differing answers that stops a step.
    """

    triggers: tuple[str, ...] = ("drift", "performance")
    every_s: float = 0.0
    margin: float = 0.01
    alpha: float = 0.05
    labels: int = 300
    latency: float = 2.0
    shadow: int = 200
    canary: tuple[float, ...] = (0.05, 0.25)
    canary_cases: int = 100
    errors: float = 0.01
    budget_s: float = 60.0
    wait_s: float = 600.0


class Settings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything a project can set."""

    project: ProjectSettings = ProjectSettings()
    split: SplitSettings = SplitSettings()
    train: TrainSettings = TrainSettings()
    release: ReleaseSettings = ReleaseSettings()
    serve: ServeSettings = ServeSettings()
    monitor: MonitorSettings = MonitorSettings()
    update: UpdateSettings = UpdateSettings()


def load(path: Path | None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read settings; `overrides` are arguments by dotted name, for example {"train.trials": 5}; None is "not given"."""
    where = str(path) if path else "settings"
    table: dict[str, Any] = {}
    if path:
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadInput(f"Not valid TOML: {error}", where=where, fix="Correct the line it names.") from None
    _apply(table, _environment())
    _apply(table, {name: value for name, value in (overrides or {}).items() if value is not None})
    try:
        return msgspec.convert(table, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise BadInput(f"A setting is wrong: {error}", where=where, fix=_nearest(str(error))) from None


def _environment() -> dict[str, Any]:
    """Read SEAWAY_TRAIN_BUDGET_S and the like; lists are comma-separated."""
    found: dict[str, Any] = {}
    for section in msgspec.structs.fields(Settings):
        for field in msgspec.structs.fields(section.type):
            text = os.environ.get(f"SEAWAY_{section.name}_{field.name}".upper())
            if text is not None:
                is_list = isinstance(field.default, tuple)
                found[f"{section.name}.{field.name}"] = text.split(",") if is_list else text
    return found


def _apply(table: dict[str, Any], values: Mapping[str, Any]) -> None:
    for dotted, value in values.items():
        section, _, name = dotted.partition(".")
        table.setdefault(section, {})[name] = value


def _nearest(message: str) -> str:
    place = re.search(r"`\$\.(\w+)", message)
    section = place.group(1) if place else ""
    fields = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    if section in fields:
        names = ", ".join(field.name for field in msgspec.structs.fields(fields[section]))
        return f"[{section}] has these settings: {names}."
    return f"The sections are: {', '.join(fields)}."
