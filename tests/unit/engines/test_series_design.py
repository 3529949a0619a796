"""What trees see of a series: hand-computed features, nothing after the origin, the same bits however it is asked."""

from __future__ import annotations

import numpy as np
import pytest

from seaway.core.batch import Batch
from seaway.engines.series.design import Design, Origins, Plan, names, plan
from tests.unit.engines.series_made import HOUR, NAN, batch, waves

SMALL = Design(window=8, seasons=(2,), zone="UTC", calendar=("weekday",))


def seen(design: Design, one: Batch, horizon: int) -> tuple[Plan, dict[str, list[float]]]:
    """Return the plan of a batch, and its features by name."""
    made = plan(design, one, "y", horizon, Origins.of(one))
    return made, dict(zip(names(design, horizon), made.x.T.tolist(), strict=True))


def test_levels_are_the_last_season_and_scales_its_mean_change() -> None:
    one = batch([[1.0, 10.0, 2.0, 12.0, 4.0, 13.0]], [3])
    made, features = seen(SMALL, one, 3)
    assert made.level.tolist() == [4.0, 13.0, 4.0]
    assert made.scale == pytest.approx([(1 + 2 + 2 + 1) / 4] * 3)
    assert (made.place.tolist(), made.step.tolist()) == ([0, 0, 0], [1, 2, 3])
    assert features["step"] == [1.0, 2.0, 3.0]
    assert features["last"] == pytest.approx([(13 - 4) / 1.5, 0.0, (13 - 4) / 1.5])
    assert features["second.2"] == pytest.approx([(2 - 4) / 1.5, (12 - 13) / 1.5, (2 - 4) / 1.5])
    assert features["trend.1"] == pytest.approx([(8.5 - 7.0) / 1.5] * 3)
    assert features["weekday"] == [(6 + 3) % 7, (7 + 3) % 7, (8 + 3) % 7]


def test_moved_and_grown_carry_the_newest_level_on() -> None:
    """A season of one row doubles every time: the level times the ratio says 16, the level plus the difference less."""
    one = batch([[1.0, 2.0, 4.0, 8.0]], [1])
    made, features = seen(Design(window=4, seasons=(1,), zone="UTC", calendar=()), one, 1)
    back = {name: made.level + made.scale * np.array(features[name]) for name in ("moved.1", "grown.1")}
    assert back["grown.1"] == pytest.approx([16.0])
    assert back["moved.1"] == pytest.approx([8 + (4 + 2 + 1) / 3])


def test_columns_known_ahead_are_read_at_the_step_and_beside_the_season_before() -> None:
    x = np.array([[1, 10], [2, 20], [3, 30], [4, 40], [9, NAN], [7, NAN]], dtype=np.float32)
    design = Design(window=4, seasons=(2,), zone="UTC", calendar=(), ahead=(0,), past=(1,))
    _, features = seen(design, batch([[1.0, 2.0, 3.0, 5.0]], [2], [x]), 2)
    assert features["ahead.0"] == [9.0, 7.0]
    assert features["ahead.0.change"] == [9.0 - 3.0, 7.0 - 4.0]
    assert features["past.1"] == [40.0, 40.0]
    assert features["past.1.change"] == [5.0, 5.0]


def test_hours_are_those_of_the_zone() -> None:
    one = batch([[1.0, 2.0, 3.0]], [1], hours=1)
    design = Design(window=3, seasons=(1,), zone="Asia/Tokyo", calendar=("hour",))
    assert seen(design, one, 1)[1]["hour"] == [3 + 9]


WIDE = Design(window=40, seasons=(7, 14), zone="UTC", calendar=("weekday", "month"), ahead=(0,), past=(1,), fixed=(2,))


def panel(seed: int, gaps: float = 0.1) -> Batch:
    """Return three long series that are all history, with columns."""
    rng = np.random.default_rng(seed)
    return batch(waves(3, 120, seed, gaps=gaps), [0, 0, 0], [rng.normal(size=(120, 3)) for _ in range(3)])


@pytest.mark.parametrize("gaps", [0.0, 0.3])
def test_windows_cut_in_training_are_those_of_a_trimmed_request_bit_by_bit(gaps: float) -> None:
    whole, horizon = panel(1, gaps), 9
    points = np.array([5, 30, 47, 60, 111])
    origins = Origins(first=whole.starts[1].repeat(5), origin=whole.starts[1] + points, steps=np.full(5, horizon))
    trained = plan(WIDE, whole, "y", horizon, origins)
    for place, point in enumerate(points):
        begin, end = int(whole.starts[1] + max(0, point - WIDE.window)), int(whole.starts[1] + point + horizon)
        target = whole.arrays["y"][begin:end].copy()
        target[-horizon:] = NAN
        x = whole.x[begin:end].copy()
        x[-horizon:, 1] = NAN  # past-only columns are not known ahead
        assert whole.time is not None
        alone = Batch(
            x=x,
            starts=np.array([0, end - begin]),
            seen=np.array([end - begin - horizon]),
            arrays={"y": target},
            time=whole.time[begin:end],
        )
        asked = plan(WIDE, alone, "y", horizon, Origins.of(alone))
        mine = trained.place == place
        assert asked.x.tobytes() == trained.x[mine].tobytes()
        assert asked.level.tobytes() == trained.level[mine].tobytes()
        assert asked.scale.tobytes() == trained.scale[mine].tobytes()


def test_cases_do_not_change_one_another() -> None:
    whole = batch(
        waves(7, 60, 3, gaps=0.2), [5, 1, 0, 3, 5, 2, 4], [np.ones((60 + n, 3)) for n in (5, 1, 0, 3, 5, 2, 4)]
    )
    together = plan(WIDE, whole, "y", 5, Origins.of(whole))
    alone = [plan(WIDE, one, "y", 5, Origins.of(one)) for one in (whole.take(np.array([case])) for case in range(7))]
    assert together.x.tobytes() == np.concatenate([one.x for one in alone]).tobytes()
    assert np.bincount(together.place, minlength=7).tolist() == [5, 1, 0, 3, 5, 2, 4]


@pytest.mark.parametrize("factor", [2.0**-200, 2.0**900])
def test_size_does_not_change_what_trees_see(factor: float) -> None:
    one = batch(waves(2, 50, 4), [4, 4], [np.ones((54, 3))] * 2)
    large = Batch(x=one.x, starts=one.starts, seen=one.seen, arrays={"y": one.arrays["y"] * factor}, time=one.time)
    small, huge = (plan(WIDE, some, "y", 4, Origins.of(some)) for some in (one, large))
    assert huge.x.tobytes() == small.x.tobytes()
    assert np.array_equal(huge.level, small.level * factor)


def test_many_origins_are_looked_at_in_blocks_with_the_same_numbers() -> None:
    one = batch(waves(1, 400, 5), [0])
    design = Design(window=1 << 15, seasons=(7,), zone="UTC", calendar=())
    points = np.arange(100, 300)  # three blocks
    origins = Origins(first=np.zeros(200, dtype=np.int64), origin=points, steps=np.full(200, 2))
    whole = plan(design, one, "y", 2, origins)
    last = plan(design, one, "y", 2, origins.take(slice(190, 200)))
    assert whole.x[-20:].tobytes() == last.x.tobytes()


def test_no_cases_and_short_histories_have_a_plan() -> None:
    nobody = batch([], [])
    assert plan(SMALL, nobody, "y", 3, Origins.of(nobody)).x.shape == (0, len(names(SMALL, 3)))
    made, _ = seen(SMALL, batch([[5.0]], [2]), 2)
    assert made.level.tolist() == [5.0, 5.0]
    assert made.scale.tolist() == [5.0, 5.0]
    steady, _ = seen(SMALL, batch([[0.0] * 8], [1]), 1)
    assert steady.scale[0] > 0
    assert np.isfinite(seen(SMALL, batch([[NAN, 3.0, NAN, NAN]], [2]), 2)[0].level).all()


def test_faults_of_a_foreign_design_are_named() -> None:
    assert SMALL.faults(0) == []
    assert WIDE.faults(3) == []
    assert WIDE.faults(2) == ["it reads a column that is not there"]
    for design, what in (
        (Design(window=8, seasons=(), zone="UTC", calendar=()), "seasons"),
        (Design(window=8, seasons=(2, 2), zone="UTC", calendar=()), "seasons"),
        (Design(window=8, seasons=(9,), zone="UTC", calendar=()), "longer than the window"),
        (Design(window=8, seasons=(2,), zone="UTC", calendar=("day", "day")), "calendar"),
        (Design(window=8, seasons=(2,), zone="UTC", calendar=(), past=(0,), ahead=(0,)), "stands twice"),
    ):
        assert any(what in fault for fault in design.faults(9))


def test_time_is_counted_in_hours_here() -> None:
    """The helper's clock: what the expectations above rest on."""
    time = batch([[1.0]], [1], hours=1).time
    assert time is not None
    assert time.tolist() == [0, HOUR]
