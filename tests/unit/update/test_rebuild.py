"""What teaches and what judges: old rows and labelled cases under a wider contract, never a judging case among them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.update import lessons, rebuild
from seaway.update.rebuild import Cut
from tests.unit.update import loans


def test_the_newest_cases_judge() -> None:
    cases = loans.taught(loans.cases(200))
    known = rebuild.cut(cases, 80, 0)
    assert sum(known.judges(case) for case in cases) == 80
    assert max(case.asked for case in cases if known.teaches(case)) < min(
        case.asked for case in cases if known.judges(case)
    )


@given(st.lists(st.integers(1, 30), max_size=40), st.integers(1, 30), st.integers(0, 30))
def test_no_case_teaches_and_judges_and_the_cut_never_goes_back(asked: list[int], judging: int, earlier: int) -> None:
    one = loans.taught(loans.cases(1))[0]
    cases = [replace(one, asked=at, told=at + 1) for at in asked]
    known = rebuild.cut(cases, judging, earlier)
    assert known.asked >= earlier
    assert not any(known.teaches(case) and known.judges(case) for case in cases)
    new = sorted(at for at in asked if at > earlier)
    if new:
        assert any(known.judges(case) for case in cases)
        wanted = min(judging, (len(new) + 1) // 2)
        assert sum(known.judges(case) for case in cases) >= wanted


def test_a_label_that_came_after_the_decision_teaches_nothing() -> None:
    case = loans.cases(1)[0]
    (lesson,) = loans.taught([case])
    assert Cut(told=case.told, asked=case.asked).teaches(lesson)
    assert not Cut(told=case.told - 1, asked=case.asked).teaches(lesson)
    assert loans.taught([replace(case, rows=())]) == []


def test_old_and_new_rows_stand_together_under_a_wider_contract(tmp_path: Path) -> None:
    project = loans.project(tmp_path)
    labelled = loans.cases(300)
    labelled[3] = replace(labelled[3], rows=({**labelled[3].rows[0], "purpose": "boat", "age": 99},))
    cases = loans.taught(labelled)
    known = rebuild.cut(cases, 100, 0)
    data = rebuild.dataset(project, loans.SETTINGS, cases, known)
    source = rebuild.source(project, loans.SETTINGS)
    assert len(data.split.test) == 100
    assert len(data.split.train) == len(source.rows) + 200
    assert data.contract.by_name["purpose"].categories[-1] == "boat"
    assert data.contract.by_name["purpose"].categories[:3] == source.contract.by_name["purpose"].categories
    assert data.contract.by_name["age"].range == (18.0, 99.0)
    assert data.contract.truth == source.contract.truth
    judged = {(record["amount"], record["age"]) for record in data.rows.records(data.split.test)}
    taught = {(record["amount"], record["age"]) for record in data.rows.records(data.split.train)}
    assert not judged & taught
    assert {case.record["amount"] for case in cases if known.judges(case)} == {amount for amount, _ in judged}


def test_the_same_cases_give_the_same_data(tmp_path: Path) -> None:
    project = loans.project(tmp_path)
    cases = loans.taught(loans.cases(250))
    known = rebuild.cut(cases, 100, 0)
    prints = {rebuild.dataset(project, loans.SETTINGS, cases, known).fingerprint for _ in range(2)}
    later = [*cases, *loans.taught(loans.cases(50, start=5000))]
    prints.add(rebuild.dataset(project, loans.SETTINGS, later, known).fingerprint)
    assert len(prints) == 1


def test_too_few_judges_leave_the_judgement_to_a_share_of_all_rows(tmp_path: Path) -> None:
    project = loans.project(tmp_path)
    cases = loans.taught(loans.cases(40))
    data = rebuild.dataset(project, loans.SETTINGS, cases, rebuild.cut(cases, 20, 0))
    assert data.split.rule != "given"
    assert len(data.rows) == 620
    none = rebuild.dataset(project, loans.SETTINGS, [], rebuild.cut([], 20, 0))
    assert np.array_equal(none.split.part, rebuild.source(project, loans.SETTINGS).split.part)


def test_a_changed_source_is_told(tmp_path: Path) -> None:
    project = loans.project(tmp_path)
    before = rebuild.source(project, loans.SETTINGS).fingerprint
    assert rebuild.same_source(before, before).outcome == "pass"
    with (tmp_path / "loans.csv").open("a") as file:
        file.write("50.0,30,12,car,True,good\n")
    verdict = rebuild.same_source(rebuild.source(project, loans.SETTINGS).fingerprint, before)
    assert verdict.outcome == "fail"
    assert "have changed" in verdict.message


@pytest.mark.parametrize("mark", [{"log": "none"}, {"personal": "name"}])
def test_masked_cells_are_missing_and_never_digests(tmp_path: Path, mark: dict[str, str]) -> None:
    import msgspec

    from seaway.data import files

    project = loans.project(tmp_path)
    contract = files.load(project)
    columns = tuple(
        msgspec.structs.replace(column, **mark) if column.name == "purpose" else column for column in contract.columns
    )
    files.write(project, msgspec.structs.replace(contract, columns=columns))
    masked = [replace(case, rows=({**case.rows[0], "purpose": "digest"},)) for case in loans.cases(120)]
    cases = lessons.of_cases(masked, files.load(project))
    data = rebuild.dataset(project, loans.SETTINGS, cases, rebuild.cut(cases, 60, 0))
    assert "digest" not in data.contract.by_name["purpose"].categories
    _, missing = data.rows.take(data.split.test).column("purpose")
    assert missing.all()
