"""Nothing after the origin may change a feature, nor a forecast: not the target, not a column that is known late."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.batch import Batch
from seaway.engines.series.design import Design, Origins, plan
from tests.unit.engines.series_made import batch, waves


@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(4, 70),
    origin=st.integers(1, 69),
    window=st.integers(2, 60),
    seasons=st.lists(st.integers(1, 20), min_size=1, max_size=3, unique=True),
    horizon=st.integers(1, 12),
    gaps=st.sampled_from([0.0, 0.2, 0.8]),
)
def test_what_comes_after_the_origin_changes_no_feature(
    seed: int, rows: int, origin: int, window: int, seasons: list[int], horizon: int, gaps: float
) -> None:
    origin = min(origin, rows - 1)
    seasons = [season for season in seasons if season <= window] or [1]
    design = Design(
        window=window, seasons=tuple(seasons), zone="UTC", calendar=("weekday", "day"), past=(0,), ahead=(1,)
    )
    rng = np.random.default_rng(seed)
    whole = batch(waves(1, rows, seed, gaps=gaps), [0], [rng.normal(size=(rows, 2))])
    origins = Origins(
        first=np.zeros(1, dtype=np.int64), origin=np.array([origin]), steps=np.array([min(horizon, rows - origin)])
    )
    before = plan(design, whole, "y", horizon, origins)
    target, x = whole.arrays["y"].copy(), whole.x.copy()
    target[origin:] = rng.normal(size=rows - origin) * 1e6
    x[origin:, 0] = np.nan
    changed = Batch(x=x, starts=whole.starts, seen=whole.seen, arrays={"y": target}, time=whole.time)
    after = plan(design, changed, "y", horizon, origins)
    for name in ("x", "level", "scale", "place", "step"):
        assert getattr(before, name).tobytes() == getattr(after, name).tobytes()
