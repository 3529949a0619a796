"""One self-contained HTML page: no request leaves it, it reads without its script, and equal input gives equal bytes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

from seaway.core.verdict import Outcome
from seaway.report import look
from seaway.report.markup import Html, escape, join, tag
from seaway.report.text import moment
from seaway.report.verdicts import badge

# From this many sections on a page carries its contents beside it.
_CONTENTS_FROM = 3


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of a page: `body` is markup made by this room, `intro` one or two sentences of plain text."""

    title: str
    body: Html
    intro: str = ""
    short: str = ""


def section(title: str, *body: object, intro: str = "", short: str = "") -> Section:
    """A section of the parts given, plain strings as paragraphs; `short` is its name in the contents."""
    parts = (part if isinstance(part, Html) else tag("p", part) for part in body if part is not None)
    return Section(title=title, body=join(parts), intro=intro, short=short)


def page(
    title: str,
    lead: str,
    sections: Sequence[Section],
    *,
    kind: str = "Report",
    project: str = "",
    made: float,
    outcome: Outcome | None = None,
    outcome_words: str = "",
) -> str:
    """The whole document. `kind` names it ("Data check"), `made` is the time in seconds since 1970, `outcome` its verdict."""
    anchors = _anchors([part.title for part in sections])
    has_contents = len(sections) >= _CONTENTS_FROM
    frame = tag(
        "div",
        _top(kind),
        _head(title, lead, outcome, outcome_words),
        _contents(sections, anchors) if has_contents else None,
        tag("main", *map(_part, sections, anchors), id="main"),
        _foot(project, made),
        class_="frame with-contents" if has_contents else "frame",
    )
    body = tag(
        "body",
        tag("a", "Skip to the report", href="#main", class_="skip"),
        frame,
        _raw("script", look.script()),
        class_="sw",
    )
    return f'<!DOCTYPE html>\n<html lang="en">{_document_head(title, kind)}{body}</html>\n'


def _document_head(title: str, kind: str) -> Html:
    """The policy allows nothing but this page's own style and script, by digest: text that slipped in as a script would not run."""
    policy = (
        f"default-src 'none'; style-src '{look.digest(look.page_style())}'; script-src '{look.digest(look.script())}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{escape(policy).replace("&#x27;", chr(39))}"/>'),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="robots", content="noindex"),
        tag("title", f"{title} – {kind}"),
        _raw("style", look.page_style()),
    )


def _raw(name: str, content: str) -> Html:
    """A style sheet or script of our own, whose text HTML does not unescape."""
    if f"</{name}" in content.lower():
        raise ValueError(f"the {name} of a page would end early: it holds </{name}")
    return Html(f"<{name}>{content}</{name}>")


def _top(kind: str) -> Html:
    waves = join(tag("path", d=f"M2 {y}c2.5-3 5-3 7.5 0s5 3 7.5 0 3.6-2.6 5-2") for y in (7, 12.5, 18))
    mark = tag("svg", waves, width=24, height=24, viewBox="0 0 24 24", aria_hidden="true")
    return tag(
        "div",
        tag("span", mark, "Seaway", class_="brand"),
        tag("span", kind, class_="kind"),
        tag(
            "button",
            "Theme",
            type="button",
            class_="theme",
            hidden="hidden",
            aria_label="Switch between light and dark",
        ),
        class_="bar-top",
    )


def _head(title: str, lead: str, outcome: Outcome | None, words: str) -> Html:
    return tag(
        "header",
        badge(outcome, words) if outcome else None,
        tag("h1", title),
        tag("p", lead, class_="lead") if lead else None,
        class_="head",
    )


def _contents(sections: Sequence[Section], anchors: Sequence[str]) -> Html:
    entries = (
        tag("li", tag("a", part.short or part.title, href=f"#{anchor}"))
        for part, anchor in zip(sections, anchors, strict=True)
    )
    return tag("nav", tag("b", "Contents"), tag("ol", *entries), class_="contents", aria_label="Contents")


def _part(part: Section, anchor: str) -> Html:
    return tag(
        "section",
        tag("h2", tag("a", part.title, href=f"#{anchor}")),
        tag("p", part.intro, class_="intro") if part.intro else None,
        part.body,
        class_="part",
        id=anchor,
    )


def _foot(project: str, made: float) -> Html:
    return tag(
        "footer",
        tag("span", f"Project {project}") if project else None,
        tag("span", f"Made {moment(made)}"),
        tag("span", f"Seaway {version('seaway')}"),
        class_="foot",
    )


def _anchors(titles: Sequence[str]) -> list[str]:
    """A distinct id for each title, of letters, digits and hyphens only."""
    taken: set[str] = {"main"}
    anchors = []
    for title in titles:
        plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
        slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "part"
        anchor = next(name for name in _numbered(slug, len(titles)) if name not in taken)
        taken.add(anchor)
        anchors.append(anchor)
    return anchors


def _numbered(slug: str, limit: int) -> list[str]:
    return [slug, *(f"{slug}-{place}" for place in range(2, limit + 3))]
