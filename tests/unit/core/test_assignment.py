"""Which release answers for a key."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.assignment import Assignment

ONE, TWO, THREE = "a" * 64, "b" * 64, "c" * 64
SHARES = st.floats(0.001, 1.0)


def trial(share: float, salt: str = "s") -> Assignment:
    return Assignment(model="credit", sequence=1, champion=ONE, canary=(TWO, share), salt=salt)


def test_without_a_canary_the_champion_answers() -> None:
    assert Assignment(model="credit", sequence=1, champion=ONE, shadows=(TWO,)).arm("any") == ONE


@pytest.mark.parametrize("share", [0.01, 0.05, 0.25, 0.5])
def test_the_share_of_keys_is_kept(share: float) -> None:
    """5 % of 100,000 keys within 0.3 points; wider shares within four standard deviations."""
    count = 100_000
    found = sum(trial(share).arm(f"customer-{number}") == TWO for number in range(count)) / count
    assert abs(found - share) < (0.003 if share <= 0.05 else 4 * (share * (1 - share) / count) ** 0.5)


@given(key=st.text(max_size=30), share=SHARES)
def test_the_same_key_meets_the_same_arm(key: str, share: float) -> None:
    again = msgspec.json.decode(msgspec.json.encode(trial(share)), type=Assignment)
    assert again.arm(key) == trial(share).arm(key)


@given(key=st.text(max_size=30), shares=st.tuples(SHARES, SHARES))
def test_who_met_the_canary_stays_with_it_when_its_share_grows(key: str, shares: tuple[float, float]) -> None:
    small, large = sorted(shares)
    assert trial(small).arm(key) == ONE or trial(large).arm(key) == TWO


@given(key=st.text(max_size=30))
def test_a_whole_share_is_everyone(key: str) -> None:
    assert trial(1.0).arm(key) == TWO


def test_another_salt_draws_other_keys() -> None:
    keys = [f"customer-{number}" for number in range(2000)]
    both = sum(trial(0.5, "s").arm(key) == trial(0.5, "t").arm(key) for key in keys)
    assert 850 < both < 1150, "two salts agree on half of the keys, as two coins do"


def test_salt_and_key_do_not_run_together() -> None:
    """(salt "a", key "bc") and (salt "ab", key "c") are different draws."""
    keys = [f"c{number}" for number in range(500)]
    assert any(trial(0.5, "a").arm("b" + key) != trial(0.5, "ab").arm(key) for key in keys)


def test_a_server_holds_every_release_once() -> None:
    shown = Assignment(model="credit", sequence=1, champion=ONE, canary=(TWO, 0.1), shadows=(THREE, TWO, ONE))
    assert shown.digests == (ONE, TWO, THREE)
