"""The parts a section is put together from: prose, key figures, facts, callouts, code, folds, figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from seaway.core.verdict import Outcome
from seaway.report.markup import Html, join, tag
from seaway.report.text import number

Tone = Literal["note", "pass", "warn", "fail"]

# From this length on a tile's figure is set smaller: it is a name, not a number.
_LONG = 14


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A key figure: what it is, how much, and one short line about it. A number is shown to three digits."""

    label: str
    value: str | float | None
    note: str = ""
    outcome: Outcome | None = None


def prose(*paragraphs: object) -> Html:
    """Running text, one paragraph for each argument."""
    return join(tag("p", paragraph) for paragraph in paragraphs)


def heading(title: object) -> Html:
    """A heading inside a section."""
    return tag("h3", title)


def tiles(*figures: Tile) -> Html:
    """The key figures side by side."""
    return tag("dl", *(_tile(figure) for figure in figures), class_="tiles") if figures else Html("")


def facts(pairs: Mapping[str, object]) -> Html:
    """Names and what stands for them, one under another."""
    rows = (join((tag("dt", name), tag("dd", value))) for name, value in pairs.items())
    return tag("dl", *rows, class_="facts") if pairs else Html("")


def callout(title: object, *content: object, tone: Tone = "note") -> Html:
    """A boxed remark the reader must not miss."""
    return tag("div", tag("b", title), *(_block(part) for part in content), class_=f"callout {tone}", role="note")


def code(source: str) -> Html:
    """Source text or a terminal's output, as it is."""
    return tag("pre", tag("code", source), tabindex=0)


def details(summary: object, *content: object, is_open: bool = False) -> Html:
    """Content folded under one line; print opens it."""
    return tag("details", tag("summary", summary), *(_block(part) for part in content), open=is_open)


def figure(drawing: Html, caption: object = "") -> Html:
    """A drawing of `seaway.report.figures` with a caption."""
    return tag("figure", drawing, tag("figcaption", caption) if caption else None)


def gallery(*drawings: Html) -> Html:
    """Figures side by side where the page is wide enough."""
    return tag("div", *(part if part.startswith("<figure") else figure(part) for part in drawings), class_="gallery")


def _tile(figure: Tile) -> Html:
    shown = figure.value if isinstance(figure.value, str) else number(figure.value)
    return tag(
        "div",
        tag("dt", figure.label),
        tag("dd", shown, class_="figure long" if len(shown) > _LONG else "figure"),
        tag("dd", figure.note, class_="note") if figure.note else None,
        class_=f"tile {figure.outcome or ''}".strip(),
    )


def _block(part: object) -> Html:
    return part if isinstance(part, Html) else tag("p", part)
