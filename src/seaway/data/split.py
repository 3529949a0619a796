"""Which rows teach and which judge: random, stratified, grouped, by time, the last of each series, or given. None can leak.

Chance is a hash of a row's own content and the seed, so the same row falls on the same side wherever it stands in the
file, and equal rows never stand on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from seaway.core.batch import Array
from seaway.core.contract import Contract
from seaway.core.dataset import TEST, TRAIN, Split
from seaway.core.errors import BadInput
from seaway.core.protocols import Rows
from seaway.core.settings import SplitSettings
from seaway.data.hashing import mixed, row_hashes
from seaway.data.series import origins

NEITHER = 2
"""The part of a row that may neither teach nor judge."""

Rule = Literal["random", "stratified", "group", "time", "last"]


def split(rows: Rows, contract: Contract, settings: SplitSettings, seed: int) -> Split:
    """Set `settings.test` of the rows apart for the final judgement, by the rule the settings or the contract name."""
    share = settings.test
    if not 0 < share < 1:
        raise BadInput(
            f"A test share of {share:g} leaves nothing to learn from or nothing to judge on",
            where="seaway.toml, [split] test",
            fix="Set it between 0 and 1, for example 0.2.",
        )
    rule = chosen(contract, settings.rule)
    if rule == "last":
        return _last(rows, contract, seed)
    if rule == "time":
        judged = _newest(_moments(rows, contract), share)
    elif rule == "group":
        judged = _some_groups(_groups(rows, contract), share, seed)
    else:
        strata = _classes(rows, contract) if rule == "stratified" else np.zeros(len(rows), dtype=np.int64)
        judged = _some_of_each(row_hashes(rows, _content(rows, contract), "split", seed), strata, share)
    part = np.where(judged, TEST, TRAIN).astype(np.int8)
    _refuse_empty(part, rule)
    return Split(rule=rule, seed=seed, shares=(1 - share, share), part=part)


def _last(rows: Rows, contract: Contract, seed: int) -> Split:
    """Return the split of series: rows as new as those that judge, of series too short to judge, do neither."""
    known, judged = origins.judged(rows, contract)
    part = np.where(judged, TEST, np.where(known, TRAIN, NEITHER)).astype(np.int8)
    _refuse_empty(part, "last")
    return Split(rule="last", seed=seed, shares=(float(known.mean()), float(judged.mean())), part=part)


def given(train: int, test: int) -> Split:
    """Return the split of rows that came in two files: `train` rows, then `test` rows."""
    if train < 1 or test < 1:
        raise BadInput(
            f"{train} rows to learn from and {test} to judge on are no split",
            where="the given train and test files",
            fix="Both files need rows.",
        )
    part = np.repeat(np.array([TRAIN, TEST], dtype=np.int8), [train, test])
    return Split(rule="given", seed=0, shares=(train / (train + test), test / (train + test)), part=part)


def chosen(contract: Contract, rule: str) -> Rule:
    """Return the rule to use: of "auto", what the contract marks. A group comes first, as sharing it leaks most.

    Of series only the last rows can judge: any other rule would learn from the future of what it is judged on.
    """
    if contract.series is not None:
        if rule not in ("auto", "last"):
            raise BadInput(
                f"Series cannot be split by the rule {rule!r}: their future would teach their past",
                where="seaway.toml, [split] rule",
                fix='Use the rule "auto": the last `horizon` rows of each series judge.',
            )
        return "last"
    if rule == "random":
        return "random"
    if rule == "group" or (rule == "auto" and contract.having("group")):
        _need(contract, "group", rule)
        return "group"
    if rule == "time" or (rule == "auto" and contract.having("time")):
        _need(contract, "time", rule)
        return "time"
    if rule == "stratified" or (rule == "auto" and _has_classes(contract)):
        return "stratified"
    return "random"


def folds(rows: Rows, contract: Contract, index: Array, count: int, rule: str, seed: int) -> list[tuple[Array, Array]]:
    """Return `count` pairs (known, asked) of row numbers within `index`; by time, known rows are always older.

    Of series they are rolling origins, the newest last: `data.series.origins` says what is known at each.
    """
    if count < 2:
        raise BadInput(
            f"{count} folds are no cross-validation", where="seaway.toml, [split] folds", fix="Use 2 or more."
        )
    inner = rows.take(index)
    rule = chosen(contract, "auto" if rule == "given" else rule)
    if rule == "last":
        return [
            (index[np.flatnonzero(known)], index[np.flatnonzero(asked)])
            for known, asked in origins.folds(inner, contract, count)
        ]
    if rule == "time":
        return [(index[known], index[asked]) for known, asked in _rolling(_moments(inner, contract), count)]
    if rule == "group":
        fold = _balanced(_groups(inner, contract), count, seed)
    else:
        strata = _classes(inner, contract) if rule == "stratified" else np.zeros(len(inner), dtype=np.int64)
        fold = _dealt(row_hashes(inner, _content(inner, contract), "folds", seed), strata, count)
    pairs = [(index[fold != number], index[fold == number]) for number in range(count)]
    if any(len(known) == 0 or len(asked) == 0 for known, asked in pairs):
        raise BadInput(
            f"{len(index)} rows cannot be cut into {count} folds by the rule {rule!r}",
            where="seaway.toml, [split] folds",
            fix="Use fewer folds, or bring more rows.",
        )
    return pairs


# ------------------------------------------------------------------------------------------------- what to split by


def _content(rows: Rows, contract: Contract) -> Sequence[str]:
    """Return the columns that make two rows one case: ids do not, so twins under two ids stay on one side."""
    by_name = contract.by_name
    told = [name for name in rows.names if name in by_name and by_name[name].role not in ("id", "ignore")]
    return told or list(rows.names)


def _has_classes(contract: Contract) -> bool:
    if contract.truth is not None:
        return bool(contract.classes)
    target = contract.target
    return target is not None and target.kind in ("category", "boolean")


def _need(contract: Contract, role: Literal["group", "time"], rule: str) -> None:
    if not contract.having(role):
        raise BadInput(
            f"The split rule {rule!r} needs a column with the role {role!r}",
            where="seaway.toml, [split] rule",
            fix=f'Give a column of contract.toml the role "{role}", or use the rule "random".',
        )


def _moments(rows: Rows, contract: Contract) -> Array:
    name = contract.having("time")[0].name
    values, missing = rows.column(name)
    if missing.any():
        raise BadInput(
            f"{int(missing.sum())} rows have no {name!r}, so they stand nowhere in time",
            where=f"column {name!r}",
            fix="Complete the times or leave those rows out.",
        )
    return values.astype("datetime64[ns]").astype(np.int64) if values.dtype.kind == "M" else values


def _groups(rows: Rows, contract: Contract) -> Array:
    """Return one hash per row that is equal within a group; a missing group is a group of its own row."""
    names = [column.name for column in contract.having("group")]
    groups = row_hashes(rows, names, "group")
    alone = np.all([rows.column(name)[1] for name in names], axis=0)
    groups[alone] ^= np.arange(1, len(rows) + 1, dtype=np.uint64)[alone] << np.uint64(32)
    return groups


def _classes(rows: Rows, contract: Contract) -> Array:
    target = contract.target
    if target is None:
        raise BadInput(
            "A stratified split needs a target", where="contract", fix='Use the rule "random", or name a target.'
        )
    values, missing = rows.column(target.name)
    _, codes = np.unique(np.where(missing, "", values.astype(str)), return_inverse=True)
    return np.asarray(codes, dtype=np.int64)


# ---------------------------------------------------------------------------------------------------------- splits


def _some_of_each(hashes: Array, strata: Array, share: float) -> Array:
    """Mark `share` of every stratum, those with the lowest hashes; equal rows stay together."""
    judged = np.zeros(len(hashes), dtype=bool)
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        wanted = round(len(members) * share)
        if len(members) >= 2:
            wanted = min(max(wanted, 1), len(members) - 1)
        ordered = np.sort(hashes[members])
        judged[members] = hashes[members] < _cut(ordered, wanted)
    return judged


def _cut(ordered: Array, wanted: int) -> np.uint64:
    """Return the hash below which nearest to `wanted` of the ordered hashes lie, never between equal ones."""
    if wanted >= len(ordered):
        return np.uint64(np.iinfo(np.uint64).max)
    limit = ordered[wanted]
    below, upto = int(np.searchsorted(ordered, limit)), int(np.searchsorted(ordered, limit, side="right"))
    if wanted - below <= upto - wanted or upto == len(ordered):
        return np.uint64(limit)
    return np.uint64(ordered[upto])


def _some_groups(groups: Array, share: float, seed: int) -> Array:
    """Mark whole groups, taken in hashed order while that brings the count nearer to the share."""
    names, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort(_seeded(names, seed), kind="stable")
    total = np.cumsum(sizes[order])
    wanted = share * len(groups)
    taken = int(np.argmin(np.abs(total - wanted))) + 1
    taken = min(taken, max(len(names) - 1, 0))
    chosen_names = np.zeros(len(names), dtype=bool)
    chosen_names[order[:taken]] = True
    return np.asarray(chosen_names[place])


def _seeded(names: Array, seed: int) -> Array:
    return mixed(names ^ np.uint64(seed % 2**64))


def _newest(moments: Array, share: float) -> Array:
    """Mark the newest rows; rows of one moment stay together, so every marked moment is later than every other."""
    ordered = np.sort(moments)
    wanted = len(moments) - round(len(moments) * share)
    edges = np.unique(ordered)[1:]  # the first moment of the test rows can be any but the oldest
    if len(edges) == 0:
        return np.zeros(len(moments), dtype=bool)
    known = np.searchsorted(ordered, edges)
    return np.asarray(moments >= edges[int(np.argmin(np.abs(known - wanted)))])


# ----------------------------------------------------------------------------------------------------------- folds


def _dealt(hashes: Array, strata: Array, count: int) -> Array:
    """Deal rows out in hashed order, stratum by stratum and going on where the last one ended; equal rows together."""
    fold = np.empty(len(hashes), dtype=np.int64)
    dealt = 0
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        names, place = np.unique(hashes[members], return_inverse=True)
        fold[members] = (place + dealt) % count
        dealt += len(names)
    return fold


def _balanced(groups: Array, count: int, seed: int) -> Array:
    """Put whole groups into the fold that is smallest so far, large groups first."""
    names, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    fold_of = np.empty(len(names), dtype=np.int64)
    filled = np.zeros(count, dtype=np.int64)
    for group in np.lexsort((_seeded(names, seed), -sizes)):
        smallest = int(np.argmin(filled))
        fold_of[group] = smallest
        filled[smallest] += sizes[group]
    return np.asarray(fold_of[place])


def _rolling(moments: Array, count: int) -> list[tuple[Array, Array]]:
    """Cut time into count + 1 blocks; each fold asks about one block and knows all that is older."""
    distinct = np.unique(moments)
    if len(distinct) <= count:
        raise BadInput(
            f"{len(distinct)} distinct times cannot be cut into {count} folds",
            where="seaway.toml, [split] folds",
            fix="Use fewer folds, or a finer time.",
        )
    ordered = np.sort(moments)
    edges: list[int] = []
    for block in range(1, count + 1):
        place = int(np.searchsorted(distinct, ordered[len(ordered) * block // (count + 1)]))
        lowest = edges[-1] + 1 if edges else 1
        edges.append(min(max(place, lowest), len(distinct) - (count + 1 - block)))
    starts = [distinct[edge] for edge in edges]
    ends = [*starts[1:], None]
    return [
        (
            np.flatnonzero(moments < start),
            np.flatnonzero((moments >= start) & (True if end is None else moments < end)),
        )
        for start, end in zip(starts, ends, strict=True)
    ]


def _refuse_empty(part: Array, rule: str) -> None:
    for side, name in ((TRAIN, "learn from"), (TEST, "judge on")):
        if not (part == side).any():
            raise BadInput(
                f"The {rule} split leaves no rows to {name}",
                where="seaway.toml, [split]",
                fix="Bring more rows, change the share, or use another rule.",
                code="no-rows",
            )
