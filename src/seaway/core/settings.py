"""Frozen settings: arguments > environment (`SEAWAY_<SECTION>_<NAME>`) > seaway.toml > defaults."""

from __future__ import annotations

import math
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from seaway.core import durable
from seaway.core.errors import BadInput

DEFAULT_TASK = "tabular"
"""What a project is about unless it says otherwise: the one place outside its folder that names a task."""


Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
NotBelowZero = Annotated[int, msgspec.Meta(ge=0)]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of seaway.toml."""


class ProjectSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[project] What the model is called and where its data are.

    `data` is a file, relative to the project; `test` a file with the rows that judge (else a share of `data` does);
    `task` is a task's name; `recipe` names what makes the rows of the data, and is told what [recipe] holds.
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
    test: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.2
    folds: Annotated[int, msgspec.Meta(ge=2)] = 5


class TrainSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[train] How much work. `budget_s` bounds the time (0 = no bound), `trials` fixes the work (0 = as many as fit).

    `search` names the sampler; `threads` 0 takes every core.
    """

    budget_s: NotNegative = 60.0
    trials: NotBelowZero = 0
    search: Literal["bayes", "random", "grid"] = "bayes"
    preset: Literal["fast", "balanced", "best"] = "balanced"
    seed: int = 0
    threads: NotBelowZero = 0
    dedupe: bool = True
    calibrate: bool = True
    metric: str = ""


class ReleaseSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[release] `days` until a bundle expires; `tolerance` of the parity gate, relative to max(1, |value|).

    `use` and `limits` are the project's own words for the model card: what the model is for, and what it is not for.
    """

    days: Count = 730
    tolerance: Annotated[float, msgspec.Meta(gt=0, le=1e-6)] = 1e-6
    use: str = ""
    limits: str = ""


class ServeSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[serve] Where and how to answer.

    `durability`: "disk" answers after fsync (loses nothing acknowledged), "process" after the write reached the kernel
    (loses it with the machine), "none" before (loses what is in memory). `keep` is the share of requests whose rows are
    logged. Limits: `max_body` bytes, `max_rows` rows, `max_depth` JSON levels, `max_text` characters of one text; of a worker
    `connections` in all, `connections_per_source` from one address other than loopback, and `busy` requests at once.

    Access: `keys` "auto" asks for keys as soon as the project has ever made one, "required" always. `tls_cert` and
    `tls_key` are PEM files, relative to the project. Beyond loopback a server wants both keys and TLS; `insecure` opens it
    without, and readiness says so. `hosts` are the names, besides loopback, under which callers may ask for it. `bad_keys`
    wrong keys a minute from one address close the door to that address for a while.

    A release is loaded for the first time in a process of its own, with at most `load_memory` bytes and `load_s` seconds.
    `engine` "auto" takes the compiled kernel for a release that it knows and that repeats its parity vectors there, else
    onnxruntime; "native" refuses what the kernel does not run, "onnx" never takes it.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8000
    workers: Count = 1
    durability: Literal["disk", "process", "none"] = "disk"
    keep: Share = 1.0
    max_body: Count = 16 << 20
    max_rows: Count = 10_000
    max_depth: Count = 32
    max_text: Count = 65_536
    connections: Count = 4096
    connections_per_source: Count = 512
    busy: Count = 1024
    segment_bytes: Count = 64 << 20
    segment_s: Positive = 300.0
    poll_s: Positive = 0.2
    keys: Literal["auto", "required"] = "auto"
    tls_cert: str = ""
    tls_key: str = ""
    insecure: bool = False
    hosts: tuple[str, ...] = ()
    bad_keys: Count = 20
    load_memory: Count = 4 << 30
    load_s: Positive = 60.0
    engine: Literal["auto", "native", "onnx"] = "auto"


class MonitorSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[monitor] What counts as a finding.

    `window` rows per window; `false_discovery` is the rate held over all columns of a window (Benjamini & Hochberg
    1995); `psi` the minimum effect (population stability index) below which a shift is no finding; `latency_ms` the
    99th percentile allowed; `refusals` the share of refused requests allowed; `margin` how far the deciding metric may
    fall below the release's test score before it is a finding (a share of that score where the metric has the target's
    unit, per cent or a scale); `labels` the least number of labels to judge on.
    """

    window: Count = 1000
    false_discovery: Share = 0.01
    psi: NotNegative = 0.1
    missing: Share = 0.05
    latency_ms: Positive = 250.0
    refusals: Share = 0.05
    margin: NotNegative = 0.02
    labels: Count = 200


class UpdateSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[update] When to rebuild and what a challenger must show.

    `triggers`: "drift", "performance", "schedule"; `every_s` the schedule (0 = never). A challenger must not be worse than
    the champion by more than `margin` of the deciding metric with probability 1 - `alpha` (paired bootstrap by case) on
    at least `labels` labelled cases that neither has learnt from; its 99th percentile of latency may be `latency` times
    the champion's. `shadow` requests are compared first, then the shares of `canary` in turn with `canary_cases` cases each;
    `errors` is the share of failed or differing answers that stops a step.
    """

    triggers: tuple[str, ...] = ("drift", "performance")
    every_s: NotNegative = 0.0
    margin: NotNegative = 0.01
    alpha: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.05
    labels: Count = 300
    latency: Positive = 2.0
    shadow: NotBelowZero = 200
    canary: tuple[Annotated[float, msgspec.Meta(gt=0, le=1)], ...] = (0.05, 0.25)
    canary_cases: Count = 100
    errors: Share = 0.01
    budget_s: NotNegative = 60.0
    wait_s: NotNegative = 600.0


class Settings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything a project can set; `recipe` holds what the project's recipe was told: columns by their part, and figures."""

    project: ProjectSettings = ProjectSettings()
    split: SplitSettings = SplitSettings()
    train: TrainSettings = TrainSettings()
    release: ReleaseSettings = ReleaseSettings()
    serve: ServeSettings = ServeSettings()
    monitor: MonitorSettings = MonitorSettings()
    update: UpdateSettings = UpdateSettings()
    recipe: dict[str, str | float | bool] = {}


def load(path: Path | None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read settings; `overrides` are arguments by dotted name, for example {"train.trials": 5}; None is "not given"."""
    where = str(path) if path else "settings"
    table = _table(path, where) if path else {}
    _apply(table, _environment())
    _apply(table, {name: value for name, value in (overrides or {}).items() if value is not None})
    try:
        settings = msgspec.convert(table, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise BadInput(f"A setting is wrong: {error}", where=where, fix=_nearest(str(error))) from None
    _refuse_infinite(settings, where)
    return settings


def _table(path: Path, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"Not valid TOML: {error}", where=where, fix="Correct the line it names.") from None
    except OSError as error:
        if error.errno in durable.FIXES:
            raise durable.failed(error, "The settings cannot be read", path) from None
        raise BadInput(
            f"The settings cannot be read: {error.strerror}", where=where, fix="Make the file readable for you."
        ) from None


def _refuse_infinite(settings: Settings, where: str) -> None:
    """Raise for a number that is none: no bound holds it, since it compares with nothing."""
    for section, values in msgspec.to_builtins(settings).items():
        for name, value in values.items():
            numbers = value if isinstance(value, list | tuple) else (value,)
            if any(isinstance(number, float) and not math.isfinite(number) for number in numbers):
                raise BadInput(
                    f"A setting is wrong: {section}.{name} is {value}",
                    where=where,
                    fix="Give a finite number; where a setting may be without bound, its description says which number means so.",
                )


def _environment() -> dict[str, Any]:
    """Read SEAWAY_TRAIN_BUDGET_S and the like; lists are comma-separated."""
    found: dict[str, Any] = {}
    for section in _sections():
        for field in msgspec.structs.fields(section.type):
            text = os.environ.get(f"SEAWAY_{section.name}_{field.name}".upper())
            if text is not None:
                is_list = isinstance(field.default, tuple)
                found[f"{section.name}.{field.name}"] = _list(text) if is_list else text
    return found


def _sections() -> list[msgspec.structs.FieldInfo]:
    """Return the sections whose settings have fixed names."""
    return [field for field in msgspec.structs.fields(Settings) if isinstance(field.type, type)]


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _apply(table: dict[str, Any], values: Mapping[str, Any]) -> None:
    for dotted, value in values.items():
        section, _, name = dotted.partition(".")
        values_of = table.setdefault(section, {})
        if isinstance(values_of, dict):  # anything else stands in the file by mistake, and is refused as such
            values_of[name] = value


def _nearest(message: str) -> str:
    place = re.search(r"`\$\.(\w+)", message)
    section = place.group(1) if place else ""
    fields = {field.name: field.type for field in _sections()}
    if section in fields:
        names = ", ".join(field.name for field in msgspec.structs.fields(fields[section]))
        return f"[{section}] has these settings: {names}."
    return f"The sections are: {', '.join(fields)}."
