"""Random forests of every shape, and rows on and beside everything their answers hang on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seaway.core.batch import Array
from seaway.engines.forest import Forest, edges
from seaway.engines.native.kernel import Absent, Kernel, kernel, widths
from tests.unit.engines.forests import grown, rows

SIZES = (0, 1, 6, 31, 40, 90, 300)


def wild(seed: int) -> Forest:
    """Return a random forest: some without trees, some with trees of hundreds of leaves, some with zeros missing."""
    rng = np.random.default_rng(seed)
    features = int(rng.integers(1, 6))
    forest = grown(
        seed,
        features=features,
        targets=int(rng.integers(1, 4)),
        trees=int(rng.integers(0, 8)),
        splits=int(rng.choice(SIZES)),
    )
    threshold = forest.threshold.copy()
    strange = rng.random(forest.nodes) < 0.1
    threshold[strange] = rng.choice([np.inf, -np.inf, 1e300, -1e300, 1e-46, -0.0, 0.1, 3.4028235e38], strange.sum())
    marked = rng.random(features) < 0.3 if rng.random() < 0.5 else np.zeros(features, dtype=bool)
    return replace(forest, threshold=threshold, zeros=tuple(np.flatnonzero(marked).tolist()))


def hard(forest: Forest, seed: int, count: int) -> Array:
    """Return `count` rows: random ones, extreme ones, and ones on and beside the forest's thresholds and codes."""
    rng = np.random.default_rng(seed)
    x = rows(seed, count, forest.features)
    extreme = rng.random(x.shape) < 0.1
    x[extreme] = rng.choice(
        np.array([0.0, -0.0, 1e-35, 1e-36, -1e-40, np.inf, -np.inf, 3.4028235e38, 16777216.0, 2.5], np.float32),
        extreme.sum(),
    )
    if not count:
        return x
    for feature, values in edges(forest).items():
        with np.errstate(all="ignore"):
            near = values.astype(np.float32)
            beside = [np.nextafter(near, np.float32(to)) for to in (np.inf, -np.inf)]
        near = np.concatenate([near, *beside])
        place = rng.integers(0, count, max(1, count // 3) if len(near) else 0)
        x[place, feature] = rng.choice(near, len(place)) if len(near) else 0
    return x


def present(width: str = "") -> Kernel:
    """Return the kernel, or skip where none was compiled."""
    found = kernel(width=width)
    if isinstance(found, Absent):
        pytest.skip(f"no native kernel here: {found.why}")
    return found


def all_widths() -> list[Kernel]:
    """Return the kernel at each width of this processor."""
    present()
    return [present(width) for width in widths()]
