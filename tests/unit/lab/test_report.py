"""The report shows what a person needs, and only what is safe to show."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from seaway.lab import report
from seaway.tasks.tabular.task import Tabular
from tests.unit.lab.fixtures import data, frame, settings, trained


class Words(HTMLParser):
    """Collects the text and counts the tags."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []

    def handle_data(self, data: str) -> None:
        self.text += data + " "

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)


def read(path: Path) -> Words:
    """Parse a page."""
    words = Words()
    words.feed(path.read_text(encoding="utf-8"))
    return words


@pytest.mark.parametrize(
    ("problem", "figure"), [("binary", "ROC curve"), ("multiclass", "Confusion"), ("regression", "Residuals")]
)
def test_every_problem_has_its_page(problem: str, figure: str, tmp_path: Path) -> None:
    made = data(problem, rows=250)
    candidate = trained(tmp_path, made, settings(trials=2))
    page = read(tmp_path / report.NAME)
    for word in (
        figure,
        "Importance",
        "Leaderboard",
        "baseline",
        "lightgbm",
        "test rows",
        "L001",
        "fingerprint",
        "numpy",
    ):
        assert word in page.text, word
    assert candidate.digest in page.text
    assert page.tags.count("svg") >= 4


def test_writing_again_gives_the_same_page_but_for_its_time(tmp_path: Path) -> None:
    made = data(rows=250)
    candidate = trained(tmp_path, made, settings(trials=1))
    first = (tmp_path / report.NAME).read_text()
    path = report.write(candidate, tmp_path, made, Tabular())
    lines = zip(first.split(" UTC"), path.read_text().split(" UTC"), strict=True)
    assert sum(one[:-16] != other[:-16] for one, other in lines) == 0


def test_names_from_the_data_are_text_not_markup(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"
    table = frame(rows=250).rename({"amount": hostile})
    table = table.with_columns(pl.Series("y", np.where(table["y"].to_numpy() == "yes", hostile, "<b>no</b>")))
    trained(tmp_path, data(table=table), settings(trials=1))
    text = (tmp_path / report.NAME).read_text()
    assert hostile not in text
    assert "<b>no</b>" not in text
    assert "&lt;script&gt;alert(1)" in text
