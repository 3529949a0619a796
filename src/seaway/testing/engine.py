"""What every engine owes whoever serves, as tests: subclass `EngineSuite`, and give an engine and a program with its answers."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seaway.core.batch import Array, Batch, join, split
from seaway.core.contract import Column
from seaway.core.errors import SeawayError, Untrusted
from seaway.core.protocols import Engine, Reasons, Runner
from seaway.core.verdict import Verdict
from seaway.data import sample
from seaway.testing import claims
from seaway.testing.path import Example, asking

SOME = 60
ROUNDS = 5
LARGEST = float(np.finfo(np.float32).max)


class EngineSuite:
    """Implement `engine` and `example`."""

    examples = 40
    """How often Hypothesis damages the program."""

    def engine(self) -> Engine:
        """Return the engine."""
        raise TypeError("a suite says which engine it is about: def engine(self)")

    def example(self, folder: Path) -> Example:
        """Return a program of the engine with its answers; `folder` is an empty one to work in."""
        raise TypeError("a suite brings a program with its answers: def example(self, folder)")

    # ------------------------------------------------------------------------------------------- what is worked on

    @pytest.fixture(scope="class")
    @classmethod
    def made(cls, tmp_path_factory: pytest.TempPathFactory) -> Example:
        """The program and its answers."""
        return cls().example(Path(tmp_path_factory.mktemp("engine")))

    @pytest.fixture(scope="class")
    @classmethod
    def batches(cls, made: Example) -> list[Batch]:
        """The queries, encoded one by one."""
        return made.batches()[:SOME]

    @pytest.fixture(scope="class")
    @classmethod
    def runner(cls, made: Example) -> Runner:
        """The program, loaded."""
        return cls().engine().load(made.program, made.contract)

    # --------------------------------------------------------------------------------------------------- its answers

    def test_it_runs_its_own_programs_only(self, made: Example) -> None:
        """An engine is chosen by asking."""
        assert self.engine().supports(made.program)
        assert made.program.engine == self.engine().name
        assert not self.engine().supports(replace(made.program, engine="another"))
        assert not self.engine().supports(replace(made.program, files={}))

    def test_it_gives_the_expected_answers(self, made: Example, runner: Runner) -> None:
        """To all queries in one run, named, shaped and finite as the contract says."""
        batch = join(made.batches())
        found = runner.run(batch)
        claims.assert_answers(found, made.contract, batch)
        claims.assert_parity(made.answers, found, made.contract, made.tolerance)
        assert runner.gather >= 1

    def test_split_and_joined_batches_agree(self, batches: list[Batch], runner: Runner) -> None:
        """Many callers' cases answered in one run are answered as if each had come alone."""
        together = split(runner.run(join(batches)), [batch.cases for batch in batches])
        for batch, ours in zip(batches, together, strict=True):
            claims.assert_close(dict(runner.run(batch)), ours, 1e-9)

    def test_running_twice_gives_the_same_bits(self, batches: list[Batch], runner: Runner) -> None:
        """A run leaves nothing behind, not in the batch either."""
        batch = join(batches)
        before = batch.x.tobytes(), {name: values.tobytes() for name, values in batch.arrays.items()}
        claims.assert_close(dict(runner.run(batch)), dict(runner.run(batch)), 0.0)
        assert before == (batch.x.tobytes(), {name: values.tobytes() for name, values in batch.arrays.items()})

    def test_no_cases_have_no_answers(self, made: Example, batches: list[Batch], runner: Runner) -> None:
        """An empty batch is no special case."""
        empty = join(batches).take(np.zeros(0, dtype=np.int64))
        claims.assert_answers(runner.run(empty), made.contract, empty)

    def test_what_is_no_number_never_leaves(self, made: Example, batches: list[Batch], runner: Runner) -> None:
        """Numbers that break arithmetic are answered finitely or refused, never with NaN."""
        whole = join(batches)
        for number in (np.nan, np.inf, -np.inf, LARGEST, -LARGEST):
            arrays = {name: _all(values, number) for name, values in whole.arrays.items()}
            for strange in (replace(whole, x=_all(whole.x, number)), replace(whole, arrays=arrays)):
                try:
                    answers = runner.run(strange)
                except SeawayError as refusal:
                    claims.assert_helps(refusal)
                    continue
                claims.assert_answers(answers, made.contract, strange)

    def test_two_threads_with_a_runner_each_do_not_meet(self, made: Example, batches: list[Batch]) -> None:
        """What one is asked has no say in what the other answers."""
        parts = [join(batches[::2]), join(batches[1::2])]
        alone = [self.engine().load(made.program, made.contract).run(part) for part in parts]
        start = Barrier(len(parts))

        def work(place: int) -> list[Mapping[str, Array]]:
            own = self.engine().load(made.program, made.contract)
            start.wait()
            return [own.run(parts[place]) for _ in range(ROUNDS)]

        with ThreadPoolExecutor(len(parts)) as threads:
            found = list(threads.map(work, range(len(parts))))
        for place, answers in enumerate(found):
            for one in answers:
                claims.assert_close(dict(alone[place]), dict(one), 0.0)

    def test_reasons_add_up_or_say_why_there_are_none(
        self, made: Example, batches: list[Batch], runner: Runner
    ) -> None:
        """base + attributions = margin, by case and target; or a verdict."""
        batch = join(batches)
        found = runner.reasons(batch)
        if isinstance(found, Verdict):
            claims.assert_verdicts([found])
            assert found.outcome == "not-applicable"
            return
        assert isinstance(found, Reasons)
        assert found.attributions.shape == (batch.cases, len(made.contract.encoded), *found.margin.shape[1:])
        assert found.base.shape == found.margin.shape
        gap = np.abs(found.base + found.attributions.sum(axis=1) - found.margin)
        assert (gap <= 1e-9 * np.maximum(1.0, np.abs(found.margin))).all()

    # ------------------------------------------------------------------------------------------------ what it refuses

    def test_a_foreign_program_is_refused(self, made: Example) -> None:
        """Files that are missing, empty, cut short, longer than they should be, or of something else."""
        for name, data in made.program.files.items():
            others = {
                "empty": b"",
                "half": data[: len(data) // 2],
                "one byte short": data[:-1],
                "longer": data + bytes(64),
                "a text": b"not a program",
                "JSON": b'{"format": 1}',
                "a list": b"[]",
                "deep": b"[" * 100_000,
            }
            for what, changed in others.items():
                assert self._load(made, {**made.program.files, name: changed}) is None, f"{name}: {what} was loaded"
            self._assert_refused_or_the_same(
                made, {other: kept for other, kept in made.program.files.items() if other != name}
            )
        surplus = {**made.program.files, "more.bin": b"x"}
        assert self._load(made, surplus) is None, "a file nobody asked for was let in"

    def _assert_refused_or_the_same(self, made: Example, files: Mapping[str, bytes]) -> None:
        """A file that a program can do without, one that explains for instance, has no say in its answers."""
        runner = self._load(made, files)
        if runner is not None:
            claims.assert_parity(made.answers, runner.run(join(made.batches())), made.contract, made.tolerance)

    def test_another_contract_is_refused_or_answered(self, made: Example) -> None:
        """A program that reads a column which a contract does not make is refused; one that reads none answers."""
        contract = made.contract
        fed = [column for column in contract.columns if column.role == "feature"]
        more = (*contract.columns, Column(name="one-more", kind="number"))
        fewer = tuple(column for column in contract.columns if column not in fed[:1])
        for columns in (more, fewer):
            other = msgspec.structs.replace(contract, columns=columns)
            try:
                runner = self.engine().load(made.program, other)
            except Untrusted as refusal:
                claims.assert_helps(refusal)
                continue
            batch = asking(other, sample.sample(other, {}, SOME, 0))
            claims.assert_answers(runner.run(batch), other, batch)

    def test_other_answers_than_the_contracts_are_refused(self, made: Example) -> None:
        """What leaves is what the contract says, by name."""
        outputs = made.contract.outputs
        renamed = msgspec.structs.replace(outputs[-1], name="another")
        other = msgspec.structs.replace(made.contract, outputs=(*outputs[:-1], renamed))
        with pytest.raises(Untrusted) as refusal:
            self.engine().load(made.program, other)
        claims.assert_helps(refusal.value)

    def test_a_damaged_program_is_refused_or_answers(self, made: Example, batches: list[Batch]) -> None:
        """Whatever a flipped byte does, nothing but `Untrusted` comes out of loading, and no NaN out of running."""
        names = sorted(made.program.files)
        batch = join(batches[:8])

        @settings(max_examples=self.examples, deadline=None)
        @given(st.data())
        def holds(data: st.DataObject) -> None:
            name = data.draw(st.sampled_from(names))
            damaged = bytearray(made.program.files[name])
            for _ in range(data.draw(st.integers(1, 3))):
                damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= 1 << data.draw(st.integers(0, 7))
            runner = self._load(made, {**made.program.files, name: bytes(damaged)})
            if runner is None:
                return
            try:
                answers = runner.run(batch)
            except SeawayError:
                return
            claims.assert_answers(answers, made.contract, batch)

        holds()

    def _load(self, made: Example, files: Mapping[str, bytes]) -> Runner | None:
        """Load other files; None where they are refused, as they should be, by `Untrusted` that says what to do."""
        try:
            return self.engine().load(replace(made.program, files=files), made.contract)
        except Untrusted as refusal:
            claims.assert_helps(refusal)
            return None


def _all(values: Array, number: float) -> Array:
    """Return an array of the same shape and type that holds one number, if its type can."""
    return np.full_like(values, number) if values.dtype.kind == "f" else values
