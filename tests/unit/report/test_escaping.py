"""Attacks: hostile text in every place where a report takes text. Nothing of it may become an element, an attribute or a script."""

import numpy as np
import pytest

from seaway.core.verdict import Verdict
from seaway.report import elements, figures, notebook, tables, verdicts
from seaway.report.figures import Event, Interval, Line
from seaway.report.page import page, section
from seaway.report.text import harmless

NUMBERS = np.arange(40.0)
BINARY = (np.arange(40) % 2, NUMBERS / 40)

DRAWINGS = {
    "histogram": lambda t: figures.histogram({t: NUMBERS, t + "2": NUMBERS * np.nan}, title=t, unit=t),
    "binned": lambda t: figures.binned([0, 1, 2], {t: [1, 2]}, missing={t: 3}, title=t, unit=t),
    "bars": lambda t: figures.bars({t: {t: 3, t + "2": 4}, "other": {t: 1}}, title=t),
    "lines": lambda t: figures.lines(
        [Line(name=t, x=NUMBERS, y=NUMBERS, low=NUMBERS - 1, high=NUMBERS + 1, alarms=NUMBERS > 30)],
        title=t, unit=t, x_label=t, limits={t: 3.0}, events=[Event(at=3.0, name=t), Event(at=4.0, name=t)],
    ),
    "roc": lambda t: figures.roc({t: BINARY}, title=t),
    "precision_recall": lambda t: figures.precision_recall({t: BINARY}, title=t),
    "calibration": lambda t: figures.calibration({t: BINARY, t + "2": BINARY}, title=t),
    "predicted_vs_actual": lambda t: figures.predicted_vs_actual(NUMBERS, NUMBERS, title=t, unit=t),
    "residuals": lambda t: figures.residuals(np.tile(NUMBERS, 30), np.tile(NUMBERS, 30), title=t, unit=t),
    "scatter": lambda t: figures.scatter(NUMBERS, NUMBERS, title=t, x_label=t, y_label=t),
    "confusion": lambda t: figures.confusion([t, t], [[3, 1], [2, 4]], title=t),
    "confusion of many": lambda t: figures.confusion([t] * 40, np.ones((40, 40)), title=t),
    "association": lambda t: figures.association([t, t], [[1, -0.5], [-0.5, 1]], title=t, note=t),
    "importance": lambda t: figures.importance({t: Interval(1.0, 0.5, 1.5)}, title=t, x_label=t),
    "fan": lambda t: figures.fan([1, 2], [3, 4], [3, 4], {0.1: [1, 2], 0.9: [5, 6]}, title=t, unit=t),
    "boxes": lambda t: figures.boxes({t: NUMBERS, t + "2": [1.0]}, title=t, unit=t),
    "dots": lambda t: figures.dots({t: Interval(0.5, 0.4, 0.6)}, title=t, x_label=t, chosen=t),
    "waterfall": lambda t: figures.waterfall(0.0, {t: 1.0}, values={t: t}, title=t, x_label=t),
    "sparkline": lambda t: figures.sparkline(NUMBERS, name=t),
}  # fmt: skip

SHAPES = set("svg g rect circle line path text title".split())


@pytest.mark.parametrize("kind", DRAWINGS)
def test_hostile_text_in_a_drawing_stays_text(kind, hostile, parse):
    drawing = DRAWINGS[kind](hostile)
    for element in parse(drawing).iter():
        assert element.tag in SHAPES
        assert not any(name.lower().startswith("on") or "href" in name or name == "style" for name in element.attrib)
    assert parse(figures.standalone(drawing)).tag == "svg"


@pytest.mark.parametrize("kind", DRAWINGS)
def test_every_drawing_says_in_words_what_it_shows(kind, parse):
    root = parse(DRAWINGS[kind]("name of it"))
    assert root.get("role") == "img"
    assert len(root.get("aria-label")) > 10


def content(t):
    verdict = Verdict(
        code=t, outcome="fail", subject=t, message=t, fix=t, value=1.0, evidence={t: t, "list": [t, {t: t}]}
    )
    return [
        elements.prose(t),
        elements.heading(t),
        elements.tiles(elements.Tile(label=t, value=t, note=t, outcome="warn")),
        elements.facts({t: t}),
        elements.callout(t, t),
        elements.code(t),
        elements.details(t, t),
        elements.figure(DRAWINGS["bars"](t), t),
        verdicts.verdict_list([verdict]),
        tables.table([t, tables.Column(title=t, help=t)], [[t, t], [None, 1.0]], caption=t, links=[t, None]),
    ]


def shape(reader):
    """The elements with their attributes' names: what text must not change."""
    return [
        (name, sorted(attributes)) for name, attributes in reader.elements if name not in ("title", "p", "figcaption")
    ]


def test_hostile_text_in_a_page_changes_none_of_its_elements(hostile, read):
    def build(t):
        made = page(
            t,
            t,
            [section(t, *content(t), t, intro=t, short=t)] * 3,
            kind=t,
            project=t,
            made=0.0,
            outcome="fail",
            outcome_words=t,
        )
        return made.encode("utf-8").decode()

    reader = read(build(hostile))
    assert len(reader.named("script")) == len(reader.named("style")) == 1
    assert reader.named("img") == []
    assert not any(
        name.startswith("on") or name in ("style", "autofocus") for _, given in reader.elements for name in given
    )
    assert all(one["href"].startswith(("#", harmless(hostile))) for one in reader.named("a"))
    # A harmless text of the same length and kind gives the same elements (links aside: an address may be one or not).
    if hostile.strip() and len(hostile) < 100:
        mild = read(build("".join("x" if letter.isascii() else letter for letter in hostile.strip())))
        rest = [one for one in shape(reader) if one[0] not in ("a", "text", "tspan")]
        assert rest == [one for one in shape(mild) if one[0] not in ("a", "text", "tspan")]


def test_hostile_text_in_a_notebook_stays_text(hostile, read):
    reader = read(notebook.summary(hostile, {hostile: hostile}, [hostile, "n"], [[hostile, 1.0]]))
    assert reader.named("script") == []
    assert reader.named("img") == []
    assert len(reader.named("style")) == 1


def test_hostile_text_reaches_a_terminal_without_its_control_characters(hostile):
    shown = notebook.plain(hostile, {hostile: hostile}, [hostile], [[hostile]])
    assert not any(ord(letter) < 32 and letter != "\n" for letter in shown)
    assert "\u202e" not in shown
