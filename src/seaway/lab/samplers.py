"""Which hyper-parameters to try next. The home of optuna.

A proposal depends on the finished trials, the seed and its own number alone, so that a resumed run proposes what an
uninterrupted one would have.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from seaway.core.chance import rng
from seaway.core.errors import NotFound
from seaway.core.optional import need
from seaway.core.protocols import Params, Range

Spaces = Mapping[str, Mapping[str, Range]]
"""Hyper-parameters by name, by model."""


@dataclass(frozen=True)
class Tried:
    """A finished trial as a sampler sees it: less loss is better."""

    model: str
    params: Params
    loss: float


class Sampler(Protocol):
    """Proposes a model and its hyper-parameters."""

    def propose(self, spaces: Spaces, tried: Sequence[Tried], number: int, seed: int) -> tuple[str, Params] | None:
        """Return the proposal for trial `number`, or None where nothing is left to try."""
        ...


class Random:
    """Draws each parameter by itself, uniformly on its own scale (Bergstra & Bengio 2012)."""

    def propose(self, spaces: Spaces, tried: Sequence[Tried], number: int, seed: int) -> tuple[str, Params] | None:
        """Draw the parameters of the model that is due."""
        model = due(spaces, tried)
        if model is None:
            return None
        generator = rng("random-search", seed, number)
        return model, {name: at(place, float(generator.random())) for name, place in spaces[model].items()}


class Grid:
    """Every combination of each parameter's quartiles (or choices), in an order shuffled by the seed."""

    LEVELS = (0.25, 0.75)

    def propose(self, spaces: Spaces, tried: Sequence[Tried], number: int, seed: int) -> tuple[str, Params] | None:
        """Return the first combination that has not been tried."""
        done = {(one.model, tuple(sorted(one.params.items()))) for one in tried}
        points = [(model, params) for model in sorted(spaces) for params in self._points(spaces[model])]
        for place in rng("grid-search", seed).permutation(len(points)):
            model, params = points[place]
            if (model, tuple(sorted(params.items()))) not in done:
                return model, params
        return None

    def _points(self, space: Mapping[str, Range]) -> list[dict[str, Any]]:
        levels = [place.choices or tuple(at(place, level) for level in self.LEVELS) for place in space.values()]
        return [dict(zip(space, values, strict=True)) for values in itertools.product(*levels)]


class Bayes:
    """Tree-structured Parzen estimator over each model's parameters together (Bergstra 2011, Falkner 2018)."""

    def propose(self, spaces: Spaces, tried: Sequence[Tried], number: int, seed: int) -> tuple[str, Params] | None:
        """Rebuild the study of the model that is due from its finished trials, then ask it once."""
        model = due(spaces, tried)
        if model is None:
            return None
        with warnings.catch_warnings():
            # It brings a progress bar along that in a notebook warns of missing widgets; ours is another.
            warnings.simplefilter("ignore")
            optuna = need("optuna", extra="lab", why="lab/samplers.py")
        # Optuna writes to stderr of its own accord, through the middle of a progress bar.
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        space = spaces[model]
        sampler = optuna.samplers.TPESampler(
            seed=int(rng("bayes-search", seed, number).integers(2**31 - 1)),
            n_startup_trials=max(4, len(space)),
            multivariate=True,
        )
        study = optuna.create_study(sampler=sampler, direction="minimize")
        for one in tried:
            if one.model == model and math.isfinite(one.loss):
                study.add_trial(_finished(optuna, space, one))
        trial = study.ask()
        return model, {name: _suggest(trial, name, place) for name, place in space.items()}


SAMPLERS: Mapping[str, type[Sampler]] = {"bayes": Bayes, "random": Random, "grid": Grid}


def sampler(name: str) -> Sampler:
    """Return the sampler called `name`."""
    if name not in SAMPLERS:
        raise NotFound(
            f"There is no search {name!r}",
            where="seaway.toml, [train] search",
            fix=f"Use one of: {', '.join(SAMPLERS)}.",
        )
    return SAMPLERS[name]()


def due(spaces: Spaces, tried: Sequence[Tried]) -> str | None:
    """Return the model to try next, so that trials are shared out by the number of parameters there are to find.

    Which model leads early says little about which one gains most from being tuned.
    """
    counts = Counter(one.model for one in tried)
    return min(spaces, key=lambda model: (counts[model] + 1) / len(spaces[model]), default=None)


def defaults(space: Mapping[str, Range]) -> dict[str, Any]:
    """Return where a search starts."""
    return {name: place.default for name, place in space.items()}


def at(place: Range, share: float) -> Any:
    """Return the value at `share` in [0, 1] of a range's own scale."""
    if place.choices:
        return place.choices[min(int(share * len(place.choices)), len(place.choices) - 1)]
    if place.low is None or place.high is None:
        raise TypeError("a range of numbers has both ends")
    if share in (0.0, 1.0):
        value = place.high if share else place.low
    elif place.log:
        value = math.exp(math.log(place.low) + share * (math.log(place.high) - math.log(place.low)))
    else:
        value = place.low + share * (place.high - place.low)
    value = min(max(value, place.low), place.high)
    return round(value) if place.integer else value


def _finished(optuna: Any, space: Mapping[str, Range], one: Tried) -> Any:
    known = {name: place for name, place in space.items() if name in one.params}
    return optuna.trial.create_trial(
        params={name: one.params[name] for name in known},
        distributions={name: _distribution(optuna, place) for name, place in known.items()},
        value=one.loss,
    )


def _suggest(trial: Any, name: str, place: Range) -> Any:
    if place.choices:
        return trial.suggest_categorical(name, list(place.choices))
    if place.integer:
        return trial.suggest_int(name, int(place.low or 0), int(place.high or 0), log=place.log)
    return trial.suggest_float(name, place.low, place.high, log=place.log)


def _distribution(optuna: Any, place: Range) -> Any:
    if place.choices:
        return optuna.distributions.CategoricalDistribution(place.choices)
    if place.integer:
        return optuna.distributions.IntDistribution(int(place.low or 0), int(place.high or 0), log=place.log)
    return optuna.distributions.FloatDistribution(place.low, place.high, log=place.log)
