"""Labels shuffled, repeated, late, unknown and corrected, over workers, seals and looks: the joined table is the brute-force one."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from seaway.core.metrics import metric
from seaway.monitor import judged
from seaway.monitor.window import Windows
from tests.unit.monitor.simulator import MODEL, START, Server, chance_of
from tests.unit.monitor.world import CONTRACT

predictions = st.tuples(
    st.just("predict"), st.integers(0, 1), st.integers(0, 4), st.lists(st.floats(0.01, 0.99), min_size=1, max_size=3)
)
labels = st.tuples(
    st.just("label"), st.integers(0, 1), st.integers(-1, 25), st.integers(0, 3), st.sampled_from(["good", "bad"])
)
id_labels = st.tuples(st.just("about"), st.integers(0, 1), st.integers(0, 5), st.sampled_from(["good", "bad"]))
repeats = st.tuples(st.just("repeat"), st.integers(0, 1), st.integers(0, 25))
steps = st.one_of(
    predictions,
    predictions,
    labels,
    id_labels,
    repeats,
    st.tuples(st.just("seal"), st.integers(0, 1)),
    st.just(("look",)),
)


def joined(asked: list[dict[str, Any]], told: list[dict[str, Any]]) -> dict[tuple[str, int], str]:
    """Join by brute force: request and row, or the newest case of the id asked before; the highest sequence wins."""
    truth: dict[tuple[str, int], tuple[int, str]] = {}
    for label in told:
        if "request" in label:
            cases = [
                (one["id"], label["row"])
                for one in asked
                if one["id"] == label["request"] and label["row"] < one["size"]
            ]
        else:
            before = [one for one in asked if one["subject"] == label["about"] and one["sequence"] < label["sequence"]]
            newest = max(before, key=lambda one: one["sequence"], default=None)
            cases = [(newest["id"], newest["size"] - 1)] if newest else []
        for case in cases:
            truth[case] = max(truth.get(case, (0, "")), (label["sequence"], label["value"]))
    return {case: value for case, (_, value) in truth.items()}


@settings(max_examples=60)
@given(st.lists(steps, max_size=50), st.randoms(use_true_random=False))
def test_the_table_of_truths_is_the_brute_force_one(program: list[tuple[Any, ...]], random: Any) -> None:
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        servers = [Server(log, worker=worker) for worker in range(2)]
        asked: list[dict[str, Any]] = []
        told: list[dict[str, Any]] = []
        order = iter(random.sample(range(1, 1000), len(program)))
        with Windows(log, MODEL, state=Path(folder) / "windows", window=3) as windows:
            for step in program:
                sequence = START + next(order) * 1000
                if step[0] == "predict":
                    _, worker, subject, chances = step
                    ids = [{"customer": f"c{subject}"}] * len(chances)
                    made = servers[worker].predict(
                        [{}] * len(chances), [chance_of(p) for p in chances], ids=ids, sequence=sequence
                    )
                    asked.append(
                        {
                            "id": made,
                            "subject": f"c{subject}",
                            "size": len(chances),
                            "sequence": sequence,
                            "p": chances,
                            "worker": worker,
                        }
                    )
                elif step[0] == "label":
                    _, worker, which, row, value = step
                    request = asked[which]["id"] if 0 <= which < len(asked) else "nobody"
                    servers[worker].label(value, request_id=request, row=row, sequence=sequence)
                    told.append({"request": request, "row": row, "value": value, "sequence": sequence})
                elif step[0] == "about":
                    _, worker, subject, value = step
                    servers[worker].label(value, id=f"c{subject}", sequence=sequence)
                    told.append({"about": f"c{subject}", "value": value, "sequence": sequence})
                elif step[0] == "repeat" and step[2] < len(asked):
                    one = asked[step[2]]
                    ids = [{"customer": one["subject"]}] * one["size"]
                    servers[step[1]].predict(
                        [{}] * one["size"],
                        [chance_of(p) for p in one["p"]],
                        ids=ids,
                        request_id=one["id"],
                        sequence=one["sequence"],
                    )
                elif step[0] == "seal" and servers[step[1]].records:
                    servers[step[1]].seal()
                elif step[0] == "look":
                    windows.refresh()
            windows.refresh()
            expected = joined(asked, told)
            found = windows.labelled()
            assert {(case.request_id, case.place): case.value for case in found} == expected
            assert len(found) == len(expected) == windows.labelled_count()
            counts = windows.joins()
            assert counts.joined + counts.unknown + counts.early == counts.labels == len(told)
            assert sum(windows.read("r1", number).cases for number in range(len(asked) + 1)) == sum(
                one["size"] for one in asked
            )
            if len(set(expected.values())) == 2:
                by_id = {one["id"]: one["p"] for one in asked}
                table = [(by_id[request][row], value == "bad") for (request, row), value in expected.items()]
                accuracy = np.mean([(p > 0.5) == bad for p, bad in table])
                brier = np.mean([(p - bad) ** 2 for p, bad in table])
                outcomes = judged.outcomes(found, CONTRACT)
                assert abs(metric("accuracy")(outcomes) - accuracy) <= 1e-9
                assert abs(metric("brier")(outcomes) - brier) <= 1e-9


asks = st.tuples(st.just("ask"), st.integers(0, 1), st.integers(0, 2), st.integers(0, 8), st.integers(1, 4))
told_at = st.tuples(st.just("tell"), st.integers(0, 1), st.integers(0, 3), st.integers(0, 12), st.floats(0, 9))
told_row = st.tuples(st.just("name"), st.integers(0, 1), st.integers(-1, 12), st.integers(0, 12), st.floats(0, 9))
series_steps = st.one_of(
    asks, asks, told_at, told_row, st.tuples(st.just("seal"), st.integers(0, 1)), st.just(("look",))
)


@settings(max_examples=60)
@given(st.lists(series_steps, max_size=40), st.randoms(use_true_random=False))
def test_the_truths_of_moments_are_the_brute_force_ones(program: list[tuple[Any, ...]], random: Any) -> None:
    """Every prediction about a moment of an id has its newest label, whichever came first, was read first, or named it how."""
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        servers = [Server(log, worker=worker) for worker in range(2)]
        asked: list[dict[str, Any]] = []
        told: list[dict[str, Any]] = []
        order = iter(random.sample(range(1, 1000), len(program)))
        with Windows(log, MODEL, state=Path(folder) / "windows", window=3) as windows:
            for step in program:
                sequence = START + next(order) * 1000
                if step[0] == "ask":
                    _, worker, subject, origin, horizon = step
                    moments = [f"t{origin + ahead}" for ahead in range(1, horizon + 1)]
                    given = {"id": f"s{subject}", "at": moments, "mean": [1.0] * horizon}
                    made = servers[worker].predict([{}], [given], ids=[{"shop": f"s{subject}"}], sequence=sequence)
                    asked.append({"id": made, "subject": f"s{subject}", "at": moments})
                elif step[0] == "tell":
                    _, worker, subject, at, value = step
                    servers[worker].label(value, id=f"s{subject}", at=f"t{at}", sequence=sequence)
                    told.append({"about": (f"s{subject}", f"t{at}"), "value": value, "sequence": sequence})
                elif step[0] == "name":
                    _, worker, which, at, value = step
                    one = asked[which] if 0 <= which < len(asked) else {"id": "nobody", "subject": "", "at": []}
                    servers[worker].label(value, request_id=one["id"], at=f"t{at}", sequence=sequence)
                    about = (one["subject"], f"t{at}") if f"t{at}" in one["at"] else None
                    told.append({"about": about, "value": value, "sequence": sequence})
                elif step[0] == "seal" and servers[step[1]].records:
                    servers[step[1]].seal()
                elif step[0] == "look":
                    windows.refresh()
            windows.refresh()
            newest: dict[Any, tuple[int, float]] = {}
            for label in told:
                newest[label["about"]] = max(newest.get(label["about"], (0, 0.0)), (label["sequence"], label["value"]))
            expected = {
                (one["id"], place): newest[one["subject"], at][1]
                for one in asked
                for place, at in enumerate(one["at"], start=1)
                if (one["subject"], at) in newest
            }
            found = windows.labelled()
            assert {(case.request_id, case.step): case.value for case in found} == expected
            assert len(found) == len(expected)
            truths = {(one["subject"], at) for one in asked for at in one["at"]} & set(newest)
            assert windows.labelled_count() == len(truths) == len({case.number for case in found})
            counts = windows.joins()
            assert counts.joined == sum(label["about"] in truths for label in told)
            assert counts.joined + counts.unknown + counts.early == counts.labels == len(told)
