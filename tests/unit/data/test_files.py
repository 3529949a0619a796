"""The contract on disk: people's edits and comments survive, mistakes are named, both files make one contract."""

from __future__ import annotations

import math
import re
import tempfile
from pathlib import Path

import msgspec
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from seaway.core.contract import Blank, Clip, Column, Contract, Map, Output, Series, Trim
from seaway.core.errors import BadInput, NotFound
from seaway.core.project import Project
from seaway.data import files
from seaway.data.rows import Table

CONTRACT = Contract(
    task="any",
    per="row",
    columns=(
        Column(name="age", kind="integer", range=(18.0, 99.0), clean=(Blank(words=("?", "NA")), Clip(low=0.0))),
        Column(name="Air temperature [K]", kind="number", range=(295.3, 304.5), shift=300.0, unit="K"),
        Column(
            name='odd "name".with = signs',
            kind="category",
            categories=("a", 'b"', "ü"),
            clean=(Trim(), Map(to={"A": "a"})),
        ),
        Column(name="since", kind="time", format="%d-%m-%Y", parts=("month",)),
        Column(name="y", kind="integer", role="target", range=(0.0, 1.0)),
    ),
    truth=Column(name="y", kind="category", categories=("0", "1")),
    outputs=(Output(name="label", kind="code", labels=("0", "1")),),
)


def project(folder: Path, contract: Contract = CONTRACT) -> Project:
    made = Project(folder)
    files.write(made, contract)
    return made


def edit(made: Project, old: str, new: str) -> None:
    text = made.contract.read_text(encoding="utf-8")
    head, mark, body = text.partition("task = ")  # the head explains the keys by examples
    assert old in mark + body
    made.contract.write_text(head + (mark + body).replace(old, new, 1), encoding="utf-8")


def test_both_files_together_are_the_contract(tmp_path: Path) -> None:
    loaded = files.load(project(tmp_path))
    assert loaded == CONTRACT
    assert loaded.digest == CONTRACT.digest


names = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)


@given(st.lists(names, min_size=1, max_size=4, unique=True), st.lists(names, unique=True), st.floats(-1e9, 1e9))
@settings(max_examples=30)
def test_any_name_and_any_text_come_back(columns: list[str], texts: list[str], shift: float) -> None:
    made = Contract(
        task="any",
        per="row",
        columns=(
            *(Column(name=name, kind="category", categories=tuple(texts), unit=name) for name in columns),
            Column(
                name="-" + columns[0], kind="number", shift=shift, clean=(Blank(words=tuple(texts)),) if texts else ()
            ),
        ),
    )
    assume(not any(not text.strip() or (text.strip() in texts and text != text.strip()) for text in texts))
    with tempfile.TemporaryDirectory() as folder:
        loaded = files.load(project(Path(folder), made))
    assert loaded == made
    assert loaded.digest == made.digest


def test_what_was_inferred_is_in_the_lock_and_what_people_decide_is_not(tmp_path: Path) -> None:
    made = project(tmp_path)
    text = made.contract.read_text()
    assert "categories = [" not in text
    assert "shift" not in re.sub("#.*", "", text)
    lock = msgspec.json.decode(made.lock.read_bytes())
    assert lock["columns"]["Air temperature [K]"] == {"range": [295.3, 304.5], "shift": 300.0}
    assert "blank" in text
    assert "blank" not in made.lock.read_text()


def test_comments_order_and_edits_survive_every_rewrite(tmp_path: Path) -> None:
    made = project(tmp_path)
    edit(made, "[columns.age]\n", "# Asked at the counter, so often wrong.\n[columns.age] # years\nhard = true\n")
    edit(made, '["?", "NA"]', '["?", "NA", "x"]  # x since May')
    edit(made, 'kind = "category"', 'kind = "category"\ncategories = ["a", "b", "z"]  # z comes in spring')
    before = made.contract.read_text()
    contract = files.load(made)
    assert contract.by_name["age"].hard
    assert contract.columns[2].categories == ("a", "b", "z")
    for _ in range(3):
        files.write(made, contract)
        files.widen(made, Table(pl.DataFrame({"age": ["150", "x", "20"]})))
    assert made.contract.read_text() == before
    assert files.load(made).by_name["age"].range == (18.0, 99.0)  # hard: data do not widen it


def test_widening_changes_the_lock_alone(tmp_path: Path) -> None:
    made = project(tmp_path)
    before = made.contract.read_bytes()
    wider = files.widen(made, Table(pl.DataFrame({"age": ["150"], CONTRACT.columns[2].name: ["new"]})))
    assert made.contract.read_bytes() == before
    assert wider.by_name["age"].range == (18.0, 150.0)
    assert files.load(made).columns[2].categories == ("a", 'b"', "ü", "new")


def test_changed_values_are_written_and_others_left(tmp_path: Path) -> None:
    made = project(tmp_path)
    edit(made, 'unit = "K"', 'unit = "K"  # kelvin')
    columns = list(CONTRACT.columns)
    columns[0] = msgspec.structs.replace(columns[0], role="ignore", clean=())
    columns[3] = Column(name="new", kind="boolean")
    files.write(made, msgspec.structs.replace(CONTRACT, columns=tuple(columns)))
    text = made.contract.read_text()
    assert 'unit = "K"  # kelvin' in text
    assert "[columns.since]" not in text
    assert [column.name for column in files.load(made).columns if column.role == "ignore"] == ["age"]
    assert files.load(made).by_name["new"].kind == "boolean"


def test_another_target_drops_the_old_truth(tmp_path: Path) -> None:
    made = project(tmp_path)
    edit(made, 'role = "target"', 'role = "feature"')
    edit(made, 'kind = "integer"\nrole = "feature"', 'kind = "integer"\nrole = "target"')
    loaded = files.load(made)
    assert loaded.target is not None
    assert loaded.target.name == "age"
    assert loaded.truth is None
    assert loaded.outputs == ()


@pytest.mark.parametrize(
    ("old", "new", "what", "fix"),
    [
        ("[columns.age]", "[columns.age]\nkidn = 'x'", "There is no 'kidn' here", "Did you mean 'kind'"),
        ("[columns.age]", "[columns.age]\nzzzz = 1", "There is no 'zzzz' here", "It may hold: kind"),
        ('task = "any"', 'task = "any"\ntsak = 1', "There is no 'tsak' here", "Did you mean 'task'"),
        ('kind = "integer"', 'kind = "int"', "Column 'age' is wrong: Invalid enum value 'int'", "Correct"),
        ('kind = "integer"', 'kind = "integer"\nhard = "yes"', "Column 'age' is wrong: Expected `bool`", "Correct"),
        ('["?", "NA"]', '"?"', "Column 'age' is wrong: Expected `array`", "Correct"),
        ("clip = [0.0, inf]", "clip = 5", "`clip` is a list", "Correct"),
        ("clip = [0.0, inf]", "clip = [5, 1]", "leaves nothing", "lower limit"),
        ("clip = [0.0, inf]", 'trim = "on"', "`trim` is true or false", "Correct"),
        ("[columns.age]", "[columns.age", "Not valid TOML", "Correct the line"),
        ('role = "feature"', 'role = "target"', "2 columns are the target: age, y", "Keep one"),
        ('task = "any"', 'task = "any"\nextra = "perhaps"', "The contract is wrong: Invalid enum", "Correct"),
        ('kind = "time"', 'kind = "category"\nhard = true', "hard but lists no categories", "Add categories"),
    ],
)
def test_mistakes_are_named_with_their_place(tmp_path: Path, old: str, new: str, what: str, fix: str) -> None:
    made = project(tmp_path)
    edit(made, old, new)
    with pytest.raises(BadInput, match=re.escape(what)) as caught:
        files.load(made)
    assert fix in caught.value.fix
    assert "contract.toml" in caught.value.where


def test_nothing_there_and_nothing_in_it(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no contract\.toml"):
        files.load(Project(tmp_path))
    (tmp_path / "contract.toml").write_text('task = "any"\n')
    with pytest.raises(BadInput, match="has no columns"):
        files.load(Project(tmp_path))
    (tmp_path / "contract.toml").write_text("[columns]\na = 5\n")
    with pytest.raises(BadInput, match="Column 'a' is no table"):
        files.load(Project(tmp_path))


def test_a_damaged_lock_is_named_and_a_missing_one_is_empty(tmp_path: Path) -> None:
    made = project(tmp_path)
    made.lock.write_text("{")
    with pytest.raises(BadInput, match=r"contract\.lock\.json cannot be read") as caught:
        files.load(made)
    assert "Delete it" in caught.value.fix
    made.lock.unlink()
    assert files.load(made).by_name["age"].range is None
    assert math.isinf(files.load(made).by_name["age"].clean[-1].high or math.inf)  # type: ignore[union-attr]


SERIES = Contract(
    task="any",
    per="series",
    columns=(
        Column(name="day", kind="time", role="time", encode="none"),
        Column(name="size", kind="number", part="static", ahead=True, range=(0.0, 9.0)),
        Column(name="y", kind="number", role="target", encode="array", range=(1.0, 5.0)),
    ),
    series=Series(frequency="1d", season=7, history=28, horizon=7),
    options=(Column(name="horizon", kind="integer", range=(1, 7), hard=True),),
    truth=Column(name="y", kind="number"),
    outputs=(Output(name="mean", kind="number", axes=("step",)),),
)


def test_series_stand_in_the_contract_with_their_meaning(tmp_path: Path) -> None:
    made = project(tmp_path, SERIES)
    assert files.load(made) == SERIES
    text = made.contract.read_text()
    assert re.search(r"^horizon = 7 +# so many steps ahead", text, re.MULTILINE)
    assert 'part = "static"' in text
    assert "ahead = true" in text
    edit(made, "horizon = 7", "horizon = 14")
    edit(made, 'gaps = "missing"', 'gaps = "zero"')
    found = files.load(made)
    assert found.series is not None
    assert (found.series.horizon, found.series.gaps) == (14, "zero")
    assert found.options[0].range == (1, 14), "the option follows the series"
    wide = files.widen(made, Table(pl.DataFrame({"day": ["2024-01-01"], "size": [50.0], "y": [70.0]})))
    assert (wide.series, wide.by_name["y"].range) == (found.series, (1.0, 70.0))
    assert "# so many steps ahead" in made.contract.read_text()


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("horizon = 7", "horizon = 0", "no count of rows"),
        ("horizon = 7", 'horizon = "week"', r"\[series\] is wrong"),
        ("horizon = 7", "horizn = 7", "no 'horizn' here"),
        ('frequency = "1d"', 'frequency = "daily"', "no frequency"),
        ('frequency = "1d"', 'frequency = "1h"\nzone = "Nowhere"\n#', "no time zone"),
    ],
)
def test_a_series_written_wrongly_is_refused(tmp_path: Path, old: str, new: str, what: str) -> None:
    made = project(tmp_path, SERIES)
    if "Nowhere" in new:
        made.contract.write_text(re.sub(r"^zone = .*\n", "", made.contract.read_text(), flags=re.MULTILINE))
    edit(made, old, new)
    with pytest.raises(BadInput, match=what):
        files.load(made)
