"""Time and randomness."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core import chance
from seaway.core.chance import Clock


@given(seed=st.lists(st.integers(0, 2**40) | st.text(max_size=8), min_size=1, max_size=3))
def test_a_seed_fixes_a_stream(seed: list[int | str]) -> None:
    assert chance.rng(*seed).integers(0, 2**62, 4).tolist() == chance.rng(*seed).integers(0, 2**62, 4).tolist()


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (("split", 0), ("split", 1)),
        (("split", 0), ("bootstrap", 0)),
        (("a", "b"), ("b", "a")),
        (("ab",), ("a", "b")),
        (("split", 1), ("split", -1)),
        (("a",), ("a\0",)),
        (("a",), (97,)),
        (("split",), ("split", 0)),
    ],
)
def test_each_purpose_has_a_stream_of_its_own(one: tuple[int | str, ...], two: tuple[int | str, ...]) -> None:
    assert chance.rng(*one).integers(0, 2**62, 4).tolist() != chance.rng(*two).integers(0, 2**62, 4).tolist()


def test_streams_of_neighbouring_seeds_are_unrelated() -> None:
    draws = np.array([chance.rng("fold", seed).normal(size=400) for seed in range(8)])
    assert np.abs(np.corrcoef(draws) - np.eye(8)).max() < 0.25


def test_tokens_are_unpredictable_and_long_enough() -> None:
    assert len({chance.token() for _ in range(1000)}) == 1000
    assert (len(chance.token()), len(chance.token(8))) == (32, 16)


@given(seconds=st.integers(0, 4_000_000_000))
def test_a_stamp_is_the_moment_in_utc(seconds: int) -> None:
    stamp = chance.stamp(seconds)
    assert stamp.endswith("Z")
    assert datetime.fromisoformat(stamp) == datetime.fromtimestamp(seconds, UTC)


@given(pair=st.tuples(st.integers(0, 4_000_000_000), st.integers(0, 4_000_000_000)))
def test_stamps_sort_as_the_moments_do(pair: tuple[int, int]) -> None:
    one, two = pair
    assert (chance.stamp(one) < chance.stamp(two)) == (one < two)


def test_a_stamp_without_a_moment_is_now() -> None:
    assert abs(datetime.fromisoformat(chance.stamp()) - datetime.now(UTC)) < timedelta(seconds=5)


# ----------------------------------------------------------------------------------------------------------- clock


def test_sequences_never_repeat_and_never_go_back() -> None:
    clock = Clock()
    found = [clock.next() for _ in range(10_000)]
    assert found == sorted(set(found))
    assert abs(found[-1] - chance.now() * 1e6) < 5e6, "microseconds of UTC"


@given(steps=st.lists(st.integers(0, 2**52), max_size=20))
def test_what_another_clock_gave_is_always_behind(steps: list[int]) -> None:
    clock, last = Clock(), 0
    for seen in steps:
        clock.seen(seen)
        given_ = clock.next()
        assert given_ > max(seen, last)
        last = given_


def test_a_wall_clock_set_back_only_makes_sequences_dense() -> None:
    """The floor stands for what was given before the clock was set back by a day."""
    tomorrow = int((chance.now() + 86_400) * 1e6)
    clock = Clock(floor=tomorrow)
    assert [clock.next() for _ in range(3)] == [tomorrow + 1, tomorrow + 2, tomorrow + 3]


def test_threads_share_a_clock() -> None:
    clock, found = Clock(), list[int]()

    def take() -> None:
        found.extend([clock.next() for _ in range(2000)])

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 8000
