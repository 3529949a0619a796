"""D003: several columns that together give the target away: parts of a sum or product, or the cases of an "any of"."""

from __future__ import annotations

import numpy as np

from seaway.core.batch import Array
from seaway.core.contract import Column
from seaway.core.verdict import Verdict
from seaway.data.checks.leak import SUSPICIOUS, strength
from seaway.data.checks.subject import ENOUGH, Subject, not_applicable, or_pass, verdict

CODE = "D003"
EXACT = 0.9999
"""R2 from which a combination is no coincidence."""
PURE, CASES, CHANCE, COVER = 0.99, 10, 1e-6, 0.9
"""A column implies the target where 99 % of at least ten rows agree, and chance would do so once in a million."""
MOST_TERMS, MOST_ROWS = 8, 20_000


def check(subject: Subject) -> list[Verdict]:
    """Look for a sum, a product, and an "any of" that reproduces the target."""
    target = subject.target
    if target is None:
        return not_applicable(CODE, "There is no target to be given away")
    if len(target) < 2 * ENOUGH:
        return not_applicable(CODE, f"{len(target)} rows are too few to tell")
    found = _cases(subject, target) if len(subject.labels) == 2 else []
    named = {verdict.subject for verdict in found}
    found += [verdict for verdict in _sums(subject, target) if verdict.subject not in named]
    return or_pass(CODE, found, "No combination of columns gives the target away")


# ----------------------------------------------------------------------------------------------- sums and products


def _sums(subject: Subject, target: Array) -> list[Verdict]:
    columns = [column for column in subject.telling if column.kind in ("number", "integer", "boolean")]
    if not columns or len(subject.labels) > 2:
        return []
    matrix = np.column_stack([np.where(m, np.nan, v) for v, m in map(subject.numbers, columns)])
    whole = np.flatnonzero(~np.isnan(matrix).any(axis=1) & ~np.isnan(target))
    whole = whole[:: max(1, len(whole) // MOST_ROWS)]
    if len(whole) < max(ENOUGH, 3 * MOST_TERMS):
        return []
    x, y = matrix[whole], target[whole]
    attempts = [("sum", x, y, np.arange(len(columns)))]
    positive = np.flatnonzero((x > 0).all(axis=0))
    if (y > 0).all() and len(positive):
        attempts.append(("product", np.log(x[:, positive]), np.log(y), positive))
    for what, inputs, output, places in attempts:
        terms = _terms(inputs, output)
        names = [columns[int(places[term])].name for term in terms]
        if len(names) > 1:
            return [_sum_verdict(name, names, what) for name in names]
        if names and strength(subject, columns[int(places[terms[0]])], target) < SUSPICIOUS:
            return [_sum_verdict(names[0], names, what)]
    return []


def _terms(x: Array, y: Array) -> list[int]:
    """Return the few columns whose weighted sum is the target (orthogonal matching pursuit, Pati et al. 1993)."""
    spread = ((y - y.mean()) ** 2).sum()
    scale = x.std(axis=0)
    usable = np.flatnonzero(scale > 0)
    if spread <= 0 or not len(usable):
        return []
    centred = (x[:, usable] - x[:, usable].mean(axis=0)) / scale[usable]
    residual = y - y.mean()
    chosen: list[int] = []
    for _ in range(min(MOST_TERMS, len(usable))):
        pull = np.abs(centred.T @ residual)
        pull[chosen] = -1
        chosen.append(int(pull.argmax()))
        fit, *_ = np.linalg.lstsq(centred[:, chosen], y - y.mean(), rcond=None)
        residual = y - y.mean() - centred[:, chosen] @ fit
        if 1 - (residual**2).sum() / spread >= EXACT:
            return [int(usable[place]) for place in _needed(centred, y - y.mean(), chosen, spread)]
    return []


def _needed(x: Array, y: Array, chosen: list[int], spread: float) -> list[int]:
    for place in list(chosen):
        rest = [other for other in chosen if other != place]
        if not rest:
            break
        fit, *_ = np.linalg.lstsq(x[:, rest], y, rcond=None)
        if 1 - ((y - x[:, rest] @ fit) ** 2).sum() / spread >= EXACT:
            chosen = rest
    return chosen


def _sum_verdict(name: str, names: list[str], what: str) -> Verdict:
    others = " and ".join(repr(other) for other in names if other != name)
    message = f"{name!r} is a part of the target: a weighted {what} with {others} reproduces it"
    fix = f'Give {name!r} the role "ignore" in contract.toml, unless it is known before the target.'
    return verdict(CODE, "fail", name, message, fix, columns=names, form=what, limit=EXACT)


# ---------------------------------------------------------------------------------------------------------- any of


def _cases(subject: Subject, target: Array) -> list[Verdict]:
    """Find yes/no columns of which each "yes" means the rarer class, and their neighbours of the same form."""
    flags = {column.name: on for column in subject.telling if (on := _yes(subject, column)) is not None}
    known = ~np.isnan(target)
    rare = float(np.nanmean(target) <= 0.5)
    positive = known & (target == rare)
    base = positive.sum() / max(known.sum(), 1)
    telling: dict[str, tuple[int, float]] = {}
    for name, on in flags.items():
        there = on & known
        count = int(there.sum())
        purity = float(positive[there].mean()) if count else 0.0
        if count >= CASES and purity >= PURE and base**count <= CHANCE:
            telling[name] = (count, purity)
    if not telling:
        return []
    covered = np.logical_or.reduce([flags[name] for name in telling])
    cover = float(covered[positive].mean())
    whole = len(telling) > 1 and cover >= COVER
    label = subject.labels[int(rare)]
    found = [_case_verdict(name, *telling[name], label, cover if whole else 0.0) for name in telling]
    return found + [_kin_verdict(name, list(telling)) for name in _kin(subject, list(flags), list(telling))]


def _yes(subject: Subject, column: Column) -> Array | None:
    """Return the rows that say yes: the rarer of a column's two values; None where it has not two."""
    codes = subject.codes(column)
    names, counts = np.unique(codes, return_counts=True)
    if len(names) != 2:
        return None
    return np.asarray(codes == names[counts.argmin()])


def _case_verdict(name: str, count: int, purity: float, label: str, cover: float) -> Verdict:
    together = f"; with its neighbours it explains {cover:.0%} of all {label!r}" if cover else ""
    message = f"In {purity:.1%} of the {count} rows where {name!r} is set, the target is {label!r}{together}"
    fix = f'If {name!r} is a form of the target or recorded after it, give it the role "ignore" in contract.toml.'
    return verdict(CODE, "fail" if cover else "warn", name, message, fix, value=purity, limit=PURE, rows=count)


def _kin(subject: Subject, flags: list[str], telling: list[str]) -> list[str]:
    """Return the other yes/no columns of an unbroken run of columns most of which tell the target."""
    names = [
        column.name
        for column in subject.contract.columns
        if column.name != getattr(subject.contract.target, "name", "")
    ]
    kin: list[str] = []
    run: list[str] = []
    for name in [*names, ""]:
        if name in flags:
            run.append(name)
            continue
        told = [member for member in run if member in telling]
        if len(told) >= 2 and 2 * len(told) > len(run):
            kin += [member for member in run if member not in telling]
        run = []
    return kin


def _kin_verdict(name: str, telling: list[str]) -> Verdict:
    shown = ", ".join(repr(other) for other in telling)
    message = f"{name!r} stands in one block with {shown}, which tell the target"
    fix = f'Look up what {name!r} means; if it is recorded with them, give it the role "ignore" in contract.toml.'
    return verdict(CODE, "warn", name, message, fix, columns=telling)
