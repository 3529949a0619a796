"""Verdicts as a list a person can act on: the gravest first, each with its code, what was found and the next step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from seaway.core.verdict import ORDER, Outcome, Verdict
from seaway.report.elements import details, facts
from seaway.report.markup import Html, escape, tag
from seaway.report.text import count, number

WORDS: Mapping[Outcome, str] = {"pass": "Pass", "warn": "Warning", "fail": "Fail", "not-applicable": "Not applicable"}
_NOUNS = {"fail": ("failed", "failed"), "warn": ("warning", "warnings"), "pass": ("passed", "passed")}

# Evidence longer than this is left to the JSON output: a page is for reading.
_EVIDENCE = 20


def badge(outcome: Outcome, words: str = "") -> Html:
    """The outcome as a coloured word with a sign of its own."""
    return tag("span", words or WORDS[outcome], class_=f"badge {outcome}")


def counts(verdicts: Iterable[Verdict]) -> Html:
    """How many of each outcome."""
    outcomes = [verdict.outcome for verdict in verdicts]
    held = [(outcome, outcomes.count(outcome)) for outcome in ORDER if outcome in outcomes]
    return tag("ul", *(tag("li", badge(outcome, _counted(outcome, n))) for outcome, n in held), class_="counts")


def verdict_list(verdicts: Sequence[Verdict], *, is_folded: bool = True) -> Html:
    """Every verdict, the gravest first and otherwise in the order given.

    `is_folded` puts what passed or does not apply under one line when something else was found.
    """
    if not verdicts:
        return tag("p", "Nothing was checked.", class_="muted")
    ordered = sorted(verdicts, key=lambda verdict: ORDER.index(verdict.outcome))
    open_ones = [verdict for verdict in ordered if verdict.outcome in ("fail", "warn")]
    quiet = ordered[len(open_ones) :]
    if not is_folded or not open_ones or not quiet:
        return escape([counts(ordered), _list(ordered)])
    return escape([counts(ordered), _list(open_ones), details(_summary(quiet), _list(quiet))])


def _list(verdicts: Sequence[Verdict]) -> Html:
    return tag("ul", *(_item(verdict) for verdict in verdicts), class_="verdicts")


def _item(verdict: Verdict) -> Html:
    return tag(
        "li",
        tag("div", badge(verdict.outcome)),
        tag(
            "div",
            tag("span", verdict.subject, class_="subject name"),
            tag("span", verdict.code, class_="code"),
            class_="about",
        ),
        tag("div", verdict.message, class_="what name"),
        tag("div", tag("b", "What to do: "), verdict.fix, class_="fix name") if verdict.fix else None,
        _evidence(verdict),
    )


def _evidence(verdict: Verdict) -> Html | None:
    pairs: dict[str, object] = {}
    if verdict.value is not None:
        pairs["measured"] = number(verdict.value, 4)
    if verdict.limit is not None:
        pairs["limit"] = number(verdict.limit, 4)
    pairs |= {str(name): _plain(value) for name, value in list(verdict.evidence.items())[:_EVIDENCE]}
    return details("Evidence", facts(pairs)) if pairs else None


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return number(value, 4)
    if isinstance(value, Mapping):
        return _capped([f"{name}: {_plain(inner)}" for name, inner in value.items()])
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return _capped([_plain(inner) for inner in value])
    return str(value)


def _capped(parts: list[str]) -> str:
    more = len(parts) - _EVIDENCE
    return ", ".join(parts[:_EVIDENCE]) + (f", and {count(more, 'other')}" if more > 0 else "")


def _counted(outcome: Outcome, n: int) -> str:
    if outcome not in _NOUNS:
        return f"{n} not applicable"
    return count(n, *_NOUNS[outcome])


def _summary(quiet: Sequence[Verdict]) -> str:
    held = [(outcome, sum(verdict.outcome == outcome for verdict in quiet)) for outcome in ORDER]
    return ", ".join(_counted(outcome, n) for outcome, n in held if n)
