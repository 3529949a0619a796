"""Where answers belong in the table of outcomes: a table's case is one line, a series' case one line for each step ahead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seaway.core.batch import Array, Outcomes, Sample
from seaway.core.contract import Contract


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One line per prediction that can be judged: `place` (n,) says which case among the answers, `step` which step.

    case, truth, weight and scale (n,) are those of `Outcomes`; `cases` is the number of answers that belong to the sheet.
    """

    contract: Contract
    cases: int
    place: Array
    step: Array
    case: Array
    truth: Array | None
    weight: Array | None = None
    scale: Array | None = None

    def __len__(self) -> int:
        return len(self.place)

    def outcomes(self, answers: Mapping[str, Array]) -> Outcomes:
        """Set answers (cases, ...), by output name, beside the truth."""
        return Outcomes(
            answer={name: self._laid(name, values) for name, values in answers.items()},
            truth=self.truth,
            case=self.case,
            step=self.step,
            weight=self.weight,
            scale=self.scale,
        )

    def of_cases(self, places: Array) -> Sheet:
        """Return the sheet of the answers at `places`, in that order: its lines are theirs."""
        order = np.argsort(self.place, kind="stable")
        starts = np.searchsorted(self.place[order], places)
        counts = np.bincount(self.place, minlength=self.cases)[places]
        lines = [order[start : start + count] for start, count in zip(starts, counts, strict=True)]
        index = np.concatenate(lines) if lines else np.zeros(0, dtype=np.int64)
        return Sheet(
            contract=self.contract,
            cases=len(places),
            place=np.repeat(np.arange(len(places)), counts),
            step=self.step[index],
            case=self.case[index],
            truth=None if self.truth is None else self.truth[index],
            weight=None if self.weight is None else self.weight[index],
            scale=None if self.scale is None else self.scale[index],
        )

    def _laid(self, name: str, values: Array) -> Array:
        return np.asarray(values[self.place, self.step - 1] if is_stepped(name, self.contract) else values[self.place])


def is_stepped(name: str, contract: Contract) -> bool:
    """Say whether an answer has a step axis after the case; margins have one wherever the contract is about series."""
    axes = next((output.axes for output in contract.outputs if output.name == name), ())
    return axes[:1] == ("step",) or (name == "margin" and contract.series is not None)


def sheet(sample: Sample, contract: Contract) -> Sheet:
    """Lay out a sample: one line per asked row of a series, one line per case of anything else."""
    batch = sample.batch
    if contract.series is None:
        place, step, rows = np.arange(batch.cases), np.zeros(batch.cases, dtype=np.int64), batch.starts[:-1]
    else:
        place = np.repeat(np.arange(batch.cases), batch.steps)
        step = _counted(batch.steps)
        rows = (batch.starts[:-1] + batch.seen)[place] + step - 1
    return Sheet(
        contract=contract,
        cases=batch.cases,
        place=place,
        step=step,
        case=sample.case[place],
        truth=None if sample.truth is None else sample.truth[rows],
        weight=None if sample.weight is None else sample.weight[rows],
        scale=None if sample.scale is None else sample.scale[place],
    )


def joined(sheets: Sequence[Sheet]) -> Sheet:
    """Put sheets of one contract behind one another, for answers that are put together in the same order."""
    offsets = np.cumsum([0, *(one.cases for one in sheets)])
    return Sheet(
        contract=sheets[0].contract,
        cases=int(offsets[-1]),
        place=np.concatenate([one.place + offset for one, offset in zip(sheets, offsets, strict=False)]),
        step=np.concatenate([one.step for one in sheets]),
        case=np.concatenate([one.case for one in sheets]),
        truth=_all([one.truth for one in sheets]),
        weight=_all([one.weight for one in sheets]),
        scale=_all([one.scale for one in sheets]),
    )


def _counted(steps: Array) -> Array:
    """Return 1 ... steps[0], 1 ... steps[1], and so on."""
    ends = np.cumsum(steps)
    return np.asarray(np.arange(1, (int(ends[-1]) if len(ends) else 0) + 1) - np.repeat(ends - steps, steps))


def _all(parts: Sequence[Array | None]) -> Array | None:
    held = [part for part in parts if part is not None]
    return np.concatenate(held) if len(held) == len(parts) else None
