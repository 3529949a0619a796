"""The whole path told step by step, each with what happened and the figures."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seaway.core import chance, project
from seaway.workflow.demo import flights
from seaway.workflow.demo.client import Airline, Row, Traffic, truth
from seaway.workflow.demo.commands import Server, seaway

Say = Callable[[str], None]

QUIET, SHIFTED = 2_000, 3_000
BUDGET, UPDATE_BUDGET = "20s", "20s"
PROBES = 50


@dataclass(frozen=True)
class Told:
    """Where the demo stands: its folder, the server, and how to speak."""

    folder: Path
    server: Server
    airline: Airline
    say: Say


def tell(folder: Path, say: Say) -> None:
    """Walk the path in `folder`, which must not hold a project, and leave it to explore."""
    project.refuse_existing(folder)
    began = chance.monotonic()
    chosen = flights.select()
    folder.mkdir(parents=True, exist_ok=True)
    _lab(folder, chosen, say)
    server = Server(folder)
    try:
        told = Told(folder, server, Airline(server.port), say)
        quiet = chosen.quiet.head(QUIET).to_dicts()
        shifted = chosen.shifted.to_dicts()
        _quiet_days(told, quiet)
        _shift(told, shifted[:SHIFTED])
        probes = shifted[:PROBES]
        before = [_asked(told, row) for row in probes]
        _update(told, shifted[SHIFTED:])
        _rollback(told, probes, before)
    finally:
        server.stop()
    say(
        f"\nDone in {chance.monotonic() - began:.0f} s. The project is in {folder}: try `cd {folder} && seaway history`,"
    )
    say(f"`seaway card`, `seaway serve`, and open the pages in {folder / '.seaway' / 'reports'}.")


def _step(say: Say, title: str) -> None:
    say(f"\n── {title} " + "─" * max(4, 90 - len(title)))


def _lab(folder: Path, chosen: flights.Flights, say: Say) -> None:
    _step(say, "1  Data")
    source = folder / "flights_newark_winter.csv"
    chosen.teaching.write_csv(source)
    late = (chosen.teaching[flights.TARGET] == "yes").mean()
    say(
        f"{len(chosen.teaching):,} real flights from Newark, January and February 2013; {late:.1%} arrived over 15 minutes late."
    )
    say("The question, asked at push-back: will this one?")
    seaway(
        folder,
        "new",
        ".",
        "--data",
        source.name,
        "--target",
        flights.TARGET,
        "--id",
        flights.IDENTIFIER,
        "--name",
        "late-flights",
    )
    checked = seaway(folder, "check", allowed=(0, 1))
    passed = sum(verdict["outcome"] == "pass" for verdict in checked["verdicts"])
    say(
        f"seaway check: {passed} of {len(checked['verdicts'])} checks passed, {checked['broken']} broken rows. {checked['report']}"
    )
    for verdict in checked["verdicts"]:
        if verdict["outcome"] in ("warn", "fail"):
            say(f"  {verdict['outcome']}: {verdict['subject']}: {verdict['message']}")

    _step(say, "2  Train, release, verify")
    run = seaway(folder, "train", "--budget", BUDGET)
    best = run["scores"]["test.roc_auc"]
    say(
        f"seaway train: {len(run['trials'])} trials in {run['seconds']:.0f} s. On flights it never saw the model ranks late before "
        f"punctual ones with AUC {best['value']:.3f} ({best['low']:.3f} to {best['high']:.3f})."
    )
    released = seaway(folder, "release")
    for verdict in released["verdicts"]:
        say(f"  {verdict['outcome']}: {verdict['code']} {verdict['message']}")
    verified = seaway(folder, "verify", released["folder"])
    say(
        f"seaway release, seaway verify: version {released['version']}, {len(verified['verdicts'])} checks hold, digest {released['digest'][:12]}."
    )


def _asked(told: Told, row: Row) -> dict[str, Any]:
    return told.airline.ask(row, (flights.TARGET,))


def _send(told: Told, rows: list[Row]) -> None:
    """Ask about each flight; once all have landed, report what came true."""
    waiting = [truth(_asked(told, row), row, flights.TARGET) for row in rows]
    for start in range(0, len(waiting), 500):
        told.airline.report(waiting[start : start + 500])


def _quiet_days(told: Told, rows: list[Row]) -> None:
    _step(told.say, "3  Serve: quiet days")
    first = _asked(told, rows[0])
    told.say(
        f"seaway serve answers on port {told.server.port}. A flight to {rows[0]['dest']}: {first['predictions'][0]}"
    )
    began = chance.monotonic()
    _send(told, rows)
    seconds = chance.monotonic() - began
    told.say(
        f"{len(rows):,} more winter flights, one request each, then their labels: {seconds:.1f} s, every answer on disk first."
    )
    _look(told)


def _shift(told: Told, rows: list[Row]) -> None:
    _step(told.say, "4  The world changes")
    told.say(
        f"Now come {len(rows):,} summer flights from Kennedy and La Guardia: other airlines, other cities, thunderstorms."
    )
    _send(told, rows)
    _look(told)


def _look(told: Told) -> None:
    found = seaway(told.folder, "monitor", allowed=(0, 1))
    alarms = [verdict for verdict in found["verdicts"] if verdict["outcome"] == "fail"]
    told.say(f"seaway monitor: {len(found['verdicts'])} findings, {len(alarms)} alarms. {found['report']}")
    for verdict in alarms:
        told.say(f"  ALARM {verdict['code']} {verdict['subject']}: {verdict['message']}")


def _update(told: Told, rows: list[Row]) -> None:
    _step(told.say, "5  Update: rebuild, compare, shadow, canary")
    told.say("seaway update runs while flights keep coming; each is labelled some hundred flights later.")
    stop = threading.Event()
    endless: Iterator[Row] = itertools.cycle(rows)
    traffic = Traffic(told.server.port, endless, flights.TARGET, late_by=100, end=stop)
    traffic.start()
    try:
        done = seaway(told.folder, "update", "--budget", UPDATE_BUDGET, "--wait", "60s", allowed=(0, 1))
    finally:
        stop.set()
        traffic.join(30)
    for entry in seaway(told.folder, "history"):
        if entry["kind"].startswith("update ") and not entry["kind"].endswith(("decide", done["state"])):
            told.say(f"  {entry['kind']}: {entry['reason']}")
    told.say(f"The outcome: {done['state']}." + (f" {done['reason']}" if done["state"] != "promoted" else ""))
    shares = ", ".join(f"{digest[:8]} {count:,}" for digest, count in traffic.releases.items())
    failures = "none failed" if traffic.failure is None else f"one failed: {traffic.failure}"
    told.say(f"Meanwhile {traffic.asked:,} flights were answered ({shares}), {failures}.")
    if done["state"] == "hold":
        _by_a_person(told)


def _by_a_person(told: Told) -> None:
    models = seaway(told.folder, "models")
    newest = max(models, key=lambda one: one["version"])
    reason = "summer schedule: the old model has never seen these airports"
    seaway(told.folder, "promote", str(newest["version"]), "--reason", reason)
    told.say(f"The evidence is short, so a person decides: seaway promote {newest['version']} --reason {reason!r}")


def _rollback(told: Told, probes: list[Row], before: list[dict[str, Any]]) -> None:
    _step(told.say, "6  Roll back")
    wanted = before[0]["release"]
    began = chance.monotonic()
    seaway(told.folder, "rollback", "--reason", "the demo shows the way back")
    moved = chance.monotonic() - began
    while _asked(told, probes[0])["release"] != wanted and chance.monotonic() - began < 30:
        chance.sleep(0.02)
    seconds = chance.monotonic() - began
    after = [_asked(told, row) for row in probes]
    same = sum(a["predictions"] == b["predictions"] for a, b in zip(before, after, strict=True))
    told.say(
        f"seaway rollback: moved in {moved:.1f} s, answering again after {seconds:.1f} s without a restart; "
        f"{same} of {len(probes)} answers are bit-equal to those before the update."
    )
