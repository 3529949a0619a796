"""Settings: arguments before environment before file before defaults, and every mistake in words."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core import settings
from seaway.core.errors import BadInput
from seaway.core.settings import Settings


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for section in msgspec.structs.fields(Settings):
        for field in msgspec.structs.fields(section.type) if isinstance(section.type, type) else ():
            monkeypatch.delenv(f"SEAWAY_{section.name}_{field.name}".upper(), raising=False)


def write(folder: Path, text: str) -> Path:
    path = folder / "seaway.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_the_defaults_hold() -> None:
    assert settings.load(None) == Settings()


def test_the_order_is_argument_environment_file_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "[train]\ntrials = 1\nseed = 1\nthreads = 1\n")
    monkeypatch.setenv("SEAWAY_TRAIN_SEED", "2")
    monkeypatch.setenv("SEAWAY_TRAIN_THREADS", "2")
    train = settings.load(path, {"train.threads": 3, "train.trials": None}).train
    assert (train.trials, train.seed, train.threads, train.preset) == (1, 2, 3, "balanced")


def test_the_environment_speaks_every_type(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {
        "TRAIN_BUDGET_S": "1.5",
        "TRAIN_DEDUPE": "false",
        "UPDATE_TRIGGERS": "drift, schedule",
        "UPDATE_CANARY": "0.1,0.5",
        "SERVE_DURABILITY": "process",
    }.items():
        monkeypatch.setenv(f"SEAWAY_{name}", text)
    found = settings.load(None)
    assert (found.train.budget_s, found.train.dedupe, found.serve.durability) == (1.5, False, "process")
    assert (found.update.triggers, found.update.canary) == (("drift", "schedule"), (0.1, 0.5))
    monkeypatch.setenv("SEAWAY_UPDATE_CANARY", "")
    assert settings.load(None).update.canary == ()


@pytest.mark.parametrize(
    ("text", "said", "fix"),
    [
        ("[train]\ntrails = 5\n", "unknown field `trails`", "budget_s, trials"),
        ("[trian]\n", "unknown field `trian`", "The sections are: project, split, train"),
        ("[train]\nsearch = 'evolution'\n", "Invalid enum value 'evolution'", "search"),
        ("[train]\ntrials = 'many'\n", "Expected `int`", "trials"),
        ("train = 3\n", "Expected `object`, got `int`", "trials"),
        ("[train]\ntrials = 5\ntrials = 6\n", "Not valid TOML", "Correct the line"),
        ("[train\n", "Not valid TOML", "Correct the line"),
    ],
)
def test_a_mistake_is_said_with_the_names_that_there_are(tmp_path: Path, text: str, said: str, fix: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(BadInput, match=said) as raised:
        settings.load(path, {"train.seed": 1})
    assert fix in raised.value.fix
    assert raised.value.where == str(path)
    assert raised.value.exit == 2


@pytest.mark.parametrize(
    "setting",
    [
        "split.test = 1",
        "split.test = -0.1",
        "split.folds = 1",
        "train.budget_s = -1",
        "train.trials = -1",
        "release.days = 0",
        "release.tolerance = 1e-3",
        "release.tolerance = 0",
        "serve.port = 65536",
        "serve.port = -1",
        "serve.workers = 0",
        "serve.keep = 1.1",
        "serve.max_rows = 0",
        "serve.poll_s = 0",
        "monitor.window = 0",
        "monitor.refusals = 2",
        "update.alpha = 1",
        "update.canary = [0.1, 0.0]",
        "update.canary = [1.5]",
        "train.budget_s = inf",
        "train.budget_s = nan",
        "monitor.psi = nan",
        "update.canary = [nan]",
    ],
)
def test_a_number_that_makes_no_sense_is_refused(tmp_path: Path, setting: str) -> None:
    with pytest.raises(BadInput, match="A setting is wrong"):
        settings.load(write(tmp_path, setting + "\n"))


def test_a_file_that_is_no_text_or_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "seaway.toml").write_bytes(b"[train]\n\xff\n")
    with pytest.raises(BadInput, match="Not valid TOML"):
        settings.load(tmp_path / "seaway.toml")
    with pytest.raises(BadInput, match="The settings cannot be read"):
        settings.load(tmp_path)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "seaway.toml").write_bytes(b"\xef\xbb\xbf[train]\ntrials = 7\n")
    assert settings.load(tmp_path / "seaway.toml").train.trials == 7


def test_every_default_would_be_accepted() -> None:
    table = msgspec.to_builtins(Settings())
    assert settings.load(
        None, {f"{s}.{name}": value for s, values in table.items() for name, value in values.items()}
    ) == (Settings())


@given(
    table=st.dictionaries(
        st.sampled_from(["train", "serve", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(st.sampled_from(["trials", "port", "y"]), inner, max_size=2)
            ),
            max_leaves=4,
        ),
        max_size=3,
    )
)
def test_whatever_is_given_is_taken_or_refused_in_words(table: dict[str, Any]) -> None:
    given_ = {
        f"{section}.{name}": value
        for section, values in table.items()
        for name, value in (values.items() if isinstance(values, dict) else [("trials", values)])
    }
    with contextlib.suppress(BadInput):
        assert isinstance(settings.load(None, given_), Settings)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        Settings().train.trials = 5  # type: ignore[misc]


def test_what_a_recipe_was_told_has_names_of_its_own(tmp_path: Path) -> None:
    found = settings.load(write(tmp_path, '[recipe]\ncustomer = "CustomerID"\nweeks = 4\nwhole = true\n'))
    assert found.recipe == {"customer": "CustomerID", "weeks": 4.0, "whole": True}
    with pytest.raises(BadInput, match="recipe"):
        settings.load(write(tmp_path, "[recipe]\ncustomer = [1, 2]\n"))
