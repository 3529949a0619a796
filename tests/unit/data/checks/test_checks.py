"""Coded checks: each finds what it is for, says the next step, and leaves good columns alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from seaway.core.contract import Blank, Column, Contract
from seaway.core.settings import Settings, TrainSettings
from seaway.core.verdict import Verdict
from seaway.data import build, checks, infer, read
from seaway.data.rows import Table

RNG = np.random.default_rng(1)
ROWS = 400
NOISE = RNG.normal(size=ROWS)
CLASSES = RNG.choice(["no", "yes"], ROWS, p=[0.8, 0.2])
IS_YES = CLASSES == "yes"


def contract(frame: pl.DataFrame, **changes: dict[str, Any]) -> Contract:
    """Make a contract of the frame's types; `y` is the target, everything else a feature unless said otherwise."""
    kinds = {pl.String: "category", pl.Float64: "number", pl.Int64: "integer", pl.Boolean: "boolean"}
    columns = []
    for name, dtype in frame.schema.items():
        kind: Any = kinds[dtype]  # type: ignore[index]
        values: dict[str, Any] = {"role": "target"} if name == "y" else {}
        if kind == "category" and name != "y":
            values["categories"] = tuple(sorted(frame[name].drop_nulls().unique()))
        columns.append(Column(name=name, **{"kind": kind} | values | changes.get(name, {})))
    return Contract(task="any", per="row", columns=tuple(columns))


def found(which: str, changes: dict[str, dict[str, Any]] | None = None, **columns: Any) -> list[Verdict]:
    frame = pl.DataFrame({"noise": NOISE, **columns} if "y" in columns else {"noise": NOISE, **columns, "y": CLASSES})
    verdicts = checks.run((Table(frame), contract(frame, **(changes or {}))))
    return [verdict for verdict in verdicts if verdict.code == which]


def alarms(which: str, changes: dict[str, dict[str, Any]] | None = None, **columns: Any) -> dict[str, str]:
    verdicts = found(which, changes, **columns)
    assert verdicts
    for verdict in verdicts:
        assert verdict.fix or verdict.outcome in ("pass", "not-applicable")
    return {verdict.subject: verdict.outcome for verdict in verdicts if verdict.outcome in ("warn", "fail")}


def test_codes_are_unique_and_in_order() -> None:
    codes = [check.code for check in checks.CHECKS]
    assert codes == sorted(set(codes)) == [f"D{place:03d}" for place in range(1, len(codes) + 1)]
    assert all(check.title for check in checks.CHECKS)


def test_every_check_speaks_about_every_subject() -> None:
    frame = pl.DataFrame({"noise": NOISE, "y": CLASSES})
    assert {verdict.code for verdict in checks.run((Table(frame), contract(frame)))} == {c.code for c in checks.CHECKS}


def test_good_columns_raise_no_alarm() -> None:
    x = RNG.normal(size=ROWS)
    frame = pl.DataFrame(
        {
            "x": x,
            "strong": (IS_YES * 2.0 + RNG.normal(size=ROWS)).round(4),
            "count": RNG.poisson(3, ROWS),
            "color": RNG.choice(["red", "green", "blue"], ROWS),
            "member": RNG.random(ROWS) < 0.3,
            "y": CLASSES,
        }
    )
    data = build.dataset(Table(frame), contract(frame), Settings())
    for subject in ((Table(frame), contract(frame)), data):
        assert [v for v in checks.run(subject) if v.outcome in ("warn", "fail")] == []


# ---------------------------------------------------------------------------------------------------- identifiers


def test_identifiers_that_feed_the_model_fail_and_others_are_named() -> None:
    keys = [f"K-{number}" for number in RNG.permutation(9000)[:ROWS]]
    running = list(range(ROWS))
    assert alarms("D001", key=keys, running=running) == {"key": "fail", "running": "fail"}
    kept = {"key": {"kind": "text", "role": "id", "categories": ()}, "running": {"role": "ignore"}}
    verdicts = found("D001", kept, key=keys, running=running)
    assert {v.subject: v.outcome for v in verdicts} == {"data": "pass", "key": "pass", "running": "pass"}
    assert "kept from the model (role id)" in next(v.message for v in verdicts if v.subject == "key")


# ---------------------------------------------------------------------------------------------------------- leaks


@pytest.mark.parametrize(
    "copy",
    [
        IS_YES,
        np.where(IS_YES, "b", "a"),
        np.where(IS_YES, 7.5, RNG.uniform(0, 5, ROWS)),
        np.where(IS_YES, RNG.uniform(1, 2, ROWS), RNG.choice([-1, 1], ROWS) * RNG.uniform(3, 4, ROWS)),
        np.where(IS_YES, None, "left"),
    ],
    ids=["flag", "letters", "one value", "middle band", "missing where yes"],
)
def test_a_column_that_gives_the_class_away(copy: Any) -> None:
    assert alarms("D002", copy=pl.Series(copy.tolist())) == {"copy": "fail"}


def test_a_column_that_gives_the_number_away() -> None:
    y = RNG.gamma(2, 100, ROWS * 20)
    frame = pl.DataFrame(
        {"noise": RNG.normal(size=len(y)), "log": np.log(y), "half": y + RNG.normal(size=len(y)) * 50, "y": y}
    )
    verdicts = [v for v in checks.run((Table(frame), contract(frame))) if v.code == "D002"]
    assert {v.subject: v.outcome for v in verdicts} == {"log": "fail"}
    assert "R2" in verdicts[0].message


def test_leaks_are_not_applicable_without_a_target_or_with_few_rows() -> None:
    frame = pl.DataFrame({"a": [1.0, 2.0] * 5, "y": ["p", "q"] * 5})
    verdicts = checks.run((Table(frame), contract(frame, y={"role": "feature"})))
    assert {v.code for v in verdicts if v.outcome == "not-applicable"} >= {"D002", "D003", "D006", "D009"}
    few = [v for v in checks.run((Table(frame), contract(frame))) if v.code in ("D002", "D003")]
    assert [v.outcome for v in few] == ["not-applicable"] * 2


def test_parts_of_a_sum_and_of_a_product() -> None:
    a, b, c = (RNG.gamma(2, 10, ROWS) for _ in range(3))
    assert alarms("D003", a=a, b=b, y=a + 2 * b) == {"a": "fail", "b": "fail"}
    assert alarms("D003", a=a, b=b, c=c, y=a * b) == {"a": "fail", "b": "fail"}
    assert alarms("D003", a=a, b=b, y=a + 2 * b + RNG.normal(size=ROWS)) == {}


def test_the_cases_of_an_any_of_and_their_kin() -> None:
    kind = np.where(IS_YES, RNG.integers(0, 3, ROWS), -1)
    odd = (RNG.random(ROWS) < 0.02).astype(int)
    verdicts = found(
        "D003", one=(kind == 0).astype(int), two=(kind == 1).astype(int), three=(kind == 2).astype(int), odd=odd
    )
    assert {v.subject: v.outcome for v in verdicts} == {"one": "fail", "two": "fail", "three": "fail", "odd": "warn"}
    assert "explains 100% of all 'yes'" in verdicts[0].message
    assert "stands in one block with 'one', 'two', 'three'" in verdicts[3].message


def test_one_telling_case_alone_is_a_warning() -> None:
    some = IS_YES & (RNG.random(ROWS) < 0.4)
    assert alarms("D003", some=some) == {"some": "warn"}


# -------------------------------------------------------------------------------------------------------- columns


def test_constant_and_nearly_constant_columns() -> None:
    assert alarms("D004", same=["a"] * ROWS, empty=pl.Series([None] * ROWS, dtype=pl.Float64)) == {
        "same": "warn",
        "empty": "warn",
    }
    assert alarms("D004", rare=[1] + [0] * (ROWS - 1)) == {}


def test_mixed_types_are_seen_in_rows_as_read() -> None:
    mixed = [*map(str, range(100, 100 + ROWS - 3)), "ten", "?", "twelve"]
    assert alarms("D007", mixed=mixed) == {"mixed": "warn"}
    (verdict,) = [v for v in found("D007", mixed=mixed) if v.outcome == "warn"]
    assert "2 of 399 cells of 'mixed' are no numbers, such as 'ten', 'twelve'" in verdict.message
    words = ["alpha"] * (ROWS - 20) + [str(n) for n in range(20)]
    assert alarms("D007", words=words) == {"words": "warn"}
    assert alarms("D007", letters=RNG.choice(["1", "2", "A"], ROWS)) == {}


def test_missing_cells() -> None:
    gone = [None] * 300 + [1.0] * 100
    assert alarms("D008", gone=gone, some=[None] * 150 + [1.0] * 250) == {"gone": "warn"}


def test_rare_and_single_classes() -> None:
    few = ["rare"] * 4 + ["a", "b"] * (ROWS // 2 - 2)
    assert alarms("D009", y=few) == {"y": "warn"}
    assert alarms("D009", y=["only"] * ROWS) == {"y": "fail"}
    assert found("D009", y=NOISE)[0].outcome == "not-applicable"


def test_outliers_and_codes_among_numbers() -> None:
    slip = [*NOISE[:-1].tolist(), 5000.0]
    assert alarms("D010", slip=slip) == {"slip": "warn"}
    coded = np.where(RNG.random(ROWS) < 0.02, 99999, RNG.integers(0, 4000, ROWS))
    (verdict,) = [v for v in found("D010", coded=coded) if v.outcome == "warn"]
    assert "99999 stands" in verdict.message
    assert "`blank`" in verdict.fix
    minus = np.where(RNG.random(ROWS) < 0.05, -1, RNG.integers(0, 4000, ROWS))
    assert alarms("D010", minus=minus) == {"minus": "warn"}
    assert alarms("D010", wide=RNG.lognormal(0, 1, ROWS), top=np.minimum(RNG.integers(0, 200, ROWS), 99)) == {}


def test_too_many_categories() -> None:
    many = [f"k{number % 150}" for number in range(ROWS)]
    assert alarms("D011", many=many) == {"many": "warn"}
    text = {"note": {"kind": "text", "role": "ignore", "categories": ()}}
    verdicts = found("D011", text, note=[f"a note {n}" for n in range(ROWS)])
    assert any("400 distinct texts and is left out" in v.message for v in verdicts)


def test_values_the_matrix_merges() -> None:
    seconds = 1_700_000_000 + RNG.integers(0, 50_000, ROWS)
    assert alarms("D012", seconds=seconds) == {"seconds": "fail"}
    assert alarms("D012", {"seconds": {"shift": 1_700_025_000.0}}, seconds=seconds) == {}


def test_uniform_doubles_are_no_loss_though_float32_rounds_them() -> None:
    values = np.random.default_rng(0).random(100_000)
    frame = pl.DataFrame({"u": values, "y": np.random.default_rng(1).choice(["a", "b"], 100_000)})
    (verdict,) = [v for v in checks.run((Table(frame), contract(frame))) if v.code == "D012"]
    assert verdict.outcome == "pass"


def test_personal_columns() -> None:
    mails = [f"p{number}@example.org" for number in range(ROWS)]
    streets = [f"Road {number}" for number in range(ROWS)]
    assert alarms("D013", contact=mails, street=streets) == {"contact": "warn", "street": "warn"}
    marked = {"contact": {"personal": "e-mail"}}
    assert any("logged as a digest" in v.message for v in found("D013", marked, contact=mails))
    assert alarms("D013", marked, contact=mails) == {}


# ----------------------------------------------------------------------------------------------------------- rows


def test_duplicate_rows() -> None:
    frame = pl.DataFrame({"noise": NOISE, "y": CLASSES})
    doubled = pl.concat([frame, frame[:40]])
    (verdict,) = [v for v in checks.run((Table(doubled), contract(frame))) if v.code == "D005"]
    assert verdict.outcome == "warn"
    assert verdict.value == pytest.approx(40 / 440)
    assert verdict.evidence["rows"][0] == 400


def test_test_rows_that_were_learnt_from() -> None:
    frame = pl.DataFrame({"id": range(ROWS), "noise": NOISE, "y": CLASSES})
    made = contract(frame, id={"role": "id"})
    data = build.dataset(Table(frame), made, Settings(), test=Table(frame[:100].with_columns(id=pl.col("id") + 1000)))
    (verdict,) = [v for v in checks.run(data) if v.code == "D006"]
    assert (verdict.outcome, verdict.value) == ("fail", 1.0)
    fair = build.dataset(Table(frame), made, Settings())
    assert [v.outcome for v in checks.run(fair) if v.code == "D006"] == ["pass"]


def test_groups_on_both_sides_are_named() -> None:
    frame = pl.DataFrame({"g": RNG.choice(["p", "q", "r", "s"], ROWS), "noise": NOISE, "y": CLASSES})
    made = contract(frame, g={"role": "group"})
    data = build.dataset(Table(frame), made, Settings(), test=Table(frame[:50].with_columns(noise=pl.col("noise") + 9)))
    verdicts = {v.subject: v.outcome for v in checks.run(data) if v.code == "D006"}
    assert verdicts == {"split": "pass", "g": "fail"}
    fair = build.dataset(Table(frame), made, Settings(train=TrainSettings(dedupe=False)))
    assert [v.outcome for v in checks.run(fair) if v.code == "D006"] == ["pass"]


def test_broken_cells_and_unknown_columns() -> None:
    frame = pl.DataFrame({"n": ["1"] * 395 + ["x"] * 5, "new": ["a"] * ROWS, "noise": NOISE, "y": CLASSES})
    columns = contract(frame.drop("new"), n={"kind": "number", "categories": (), "clean": (Blank(words=("?",)),)})
    verdicts = [v for v in checks.run((Table(frame), columns)) if v.code == "D014"]
    assert [(v.subject, v.outcome) for v in verdicts] == [("columns", "warn"), ("n", "warn")]
    assert "5 cells of 'n' break the rule 'type', such as 'x', 'x', 'x'" in verdicts[1].message
    assert verdicts[1].evidence["cells"][0]["row"] == 395


# ------------------------------------------------------------------------------------------------------ real data

POINTED_OUT: dict[str, tuple[str, set[str], set[str]]] = {
    # file: target, what its README calls leaks or identifiers, what else may be warned of (true oddities of the data)
    "tabular/german_credit.csv": ("credit_risk", set(), set()),
    "tabular/telco_churn.csv": ("Churn", {"customerID"}, set()),
    "tabular/adult_train.csv.gz": ("income", set(), {"capital_gain"}),
    "tabular/heart_disease_cleveland.csv": ("diameter_narrowing", set(), set()),
    "tabular/bike_sharing_hour.csv": ("cnt", {"casual", "registered", "instant"}, set()),
    "tabular/hr_job_change.csv": ("target", {"enrollee_id"}, set()),
    "manufacturing/ai4i2020.csv": ("Machine failure", {"UDI", "Product ID", "TWF", "HDF", "PWF", "OSF", "RNF"}, set()),
    "manufacturing/steel_plates_faults.csv": ("Fault", set(), {"X_Perimeter", "Y_Perimeter"}),
}


@pytest.mark.parametrize("name", POINTED_OUT)
def test_leaks_and_identifiers_of_real_data_are_pointed_out_and_nothing_else(
    name: str, shared_data: Callable[[str], Path]
) -> None:
    target, expected, odd = POINTED_OUT[name]
    rows = read.table(shared_data(name))
    draft, _ = infer.draft(rows, target=target)
    verdicts = checks.run((rows, draft))
    named = {v.subject for v in verdicts if v.code in ("D001", "D002", "D003")} - {"data"}
    assert named == expected
    warned = {v.subject for v in verdicts if v.outcome in ("warn", "fail")}
    assert warned - odd <= expected
    for verdict in verdicts:
        feeds = verdict.subject in {column.name for column in draft.columns if column.role == "feature"}
        if verdict.subject in expected and feeds and verdict.subject != "RNF":
            assert verdict.outcome == "fail"
