"""Proposals: within their ranges, fixed by what was tried, and better than chance where they claim to be."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.errors import NotFound
from seaway.core.protocols import Params, Range
from seaway.lab.samplers import SAMPLERS, Tried, at, defaults, sampler

SPACES: Mapping[str, Mapping[str, Range]] = {
    "trees": {
        "rate": Range(default=0.1, low=0.01, high=1.0, log=True),
        "leaves": Range(default=31, low=3, high=200, log=True, integer=True),
        "share": Range(default=0.8, low=0.2, high=1.0),
        "depth": Range(default=4, low=1, high=9, integer=True),
    },
    "line": {"kind": Range(default="a", choices=("a", "b", "c")), "ratio": Range(default=0.0, choices=(0.0, 0.5, 1.0))},
}


def loss(model: str, params: Params) -> float:
    """A bowl whose bottom (0) lies in "trees"; "line" never does better than 1."""
    if model == "line":
        return 1.0 + {"a": 0.5, "b": 0.2, "c": 0.0}[params["kind"]]
    return float(
        abs(math.log(params["rate"] / 0.03)) + abs(params["share"] - 0.5) + abs(math.log(params["leaves"] / 20))
    )


def run(name: str, trials: int, seed: int = 0) -> list[Tried]:
    """Search with a sampler."""
    tried: list[Tried] = []
    for number in range(trials):
        proposal = sampler(name).propose(SPACES, tried, number, seed)
        if proposal is None:
            break
        tried.append(Tried(model=proposal[0], params=proposal[1], loss=loss(*proposal)))
    return tried


def is_within(params: Params, space: Mapping[str, Range]) -> bool:
    """Say whether every value lies in its range, in its type."""
    for name, place in space.items():
        value = params[name]
        if place.choices:
            if value not in place.choices:
                return False
        elif not place.low <= value <= place.high or isinstance(value, int) is not place.integer:  # type: ignore[operator]
            return False
    return set(params) == set(space)


@pytest.mark.parametrize("name", SAMPLERS)
def test_proposals_lie_within_their_ranges(name: str) -> None:
    for one in run(name, 30):
        assert is_within(one.params, SPACES[one.model])


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_resumed_search_proposes_what_an_uninterrupted_one_does(name: str) -> None:
    whole = run(name, 16)
    for stop in (0, 5, 12):
        resumed = sampler(name).propose(SPACES, whole[:stop], stop, 0)
        assert resumed == (whole[stop].model, whole[stop].params)


@pytest.mark.parametrize("name", SAMPLERS)
def test_seeds_differ(name: str) -> None:
    assert [one.params for one in run(name, 5, seed=0)] != [one.params for one in run(name, 5, seed=1)]


def test_bayes_finds_more_than_chance() -> None:
    bests = {name: [min(one.loss for one in run(name, 40, seed)) for seed in range(5)] for name in ("bayes", "random")}
    assert np.mean(bests["bayes"]) < 0.7 * np.mean(bests["random"])


def test_bayes_learns_from_what_is_outside_its_space() -> None:
    """Defaults of a space that has moved with the data, or of another model, do not stop it."""
    tried = [Tried("gone", {"x": 1}, 0.1), Tried("trees", {**defaults(SPACES["trees"]), "rounds": 7}, 0.5)]
    tried.append(Tried("trees", defaults(SPACES["trees"]), math.inf))
    proposal = sampler("bayes").propose(SPACES, tried, 3, 0)
    assert proposal is not None
    assert is_within(proposal[1], SPACES[proposal[0]])


def test_the_grid_visits_each_point_once_and_ends() -> None:
    tried = run("grid", 100)
    points = {(one.model, tuple(sorted(one.params.items()))) for one in tried}
    assert len(tried) == len(points) == 2**4 + 3 * 3


@pytest.mark.parametrize("name", SAMPLERS)
def test_nothing_to_search_ends_at_once(name: str) -> None:
    assert sampler(name).propose({}, [], 0, 0) is None


@given(st.floats(0, 1), st.sampled_from(list(SPACES["trees"].values()) + list(SPACES["line"].values())))
def test_at_covers_a_range_and_never_leaves_it(share: float, place: Range) -> None:
    assert is_within({"p": at(place, share)}, {"p": place})
    if place.low is not None and place.high is not None:
        assert (at(place, 0.0), at(place, 1.0)) == (place.low, place.high)


def test_an_unknown_search_lists_the_known_ones() -> None:
    with pytest.raises(NotFound, match=r"no search 'magic'(.|\n)*bayes, random, grid"):
        sampler("magic")
