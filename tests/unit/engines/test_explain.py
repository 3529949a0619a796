from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from seaway.core.errors import Untrusted
from seaway.engines import explain
from seaway.engines.explain import AdditivePart, ForestPart
from tests.unit.engines.forests import grown
from tests.unit.engines.test_additive import small


def test_a_forest_is_told_by_covers() -> None:
    forest = grown(4)
    part = explain.decode(explain.encode(explain.of_forest(forest))).parts[0]
    assert isinstance(part, ForestPart)
    assert part.leaf_cover == tuple(forest.leaf_cover)
    assert part.base == tuple(forest.base)


def test_a_linear_model_is_told_whole() -> None:
    model = small(3)
    part = explain.decode(explain.encode(explain.of_additive(model))).parts[0]
    assert isinstance(part, AdditivePart)
    back = explain.additive_of(part, model.targets)
    for name in ("intercept", "numbers", "center", "scale", "fill", "weight", "missing", "codes", "starts", "table"):
        assert np.array_equal(getattr(back, name), getattr(model, name)), name


def test_a_blend_weighs_its_parts() -> None:
    whole = explain.blended([(explain.of_forest(grown(1, features=5)), 0.25), (explain.of_additive(small()), 0.75)])
    assert [part.weight for part in whole.parts] == [0.25, 0.75]
    assert explain.calibrated(whole, (2, 2), (0, 1)).shift == (0.0, 1.0)


def changed(**changes: Any) -> bytes:
    return explain.encode(msgspec.structs.replace(explain.of_forest(grown(1)), **changes))


def part(**changes: Any) -> ForestPart:
    parts = explain.of_forest(grown(1)).parts
    return msgspec.structs.replace(parts[0], **changes)


LINEAR = explain.of_additive(small()).parts[0]

BROKEN: dict[str, tuple[bytes, str]] = {
    "no json": (b"{", "Not a valid Explain"),
    "null": (b"null", "Not a valid Explain"),
    "deep": (b"[" * 100_000, "Not a valid Explain"),
    "unknown field": (changed()[:-1] + b',"x":1}', "Not a valid Explain"),
    "spaces": (changed() + b" ", "Not the canonical form"),
    "unknown part": (changed().replace(b'"forest"', b'"script"'), "Not a valid Explain"),
    "not a number": (changed(parts=(part(leaf_cover=(float("nan"),)),)), "Not a valid Explain"),
    "new format": (changed(format=2), "its format is 2"),
    "slope": (changed(slope=(1.0,)), "one entry per target"),
    "targets": (changed(targets=3, slope=(1.0,) * 3, shift=(0.0,) * 3), "other features or targets"),
    "no targets": (changed(targets=0), "Not a valid Explain"),
    "cover": (changed(parts=(part(leaf_cover=(1.0, 0.0)),)), "a leaf cover is not positive"),
    "zeros": (changed(parts=(part(zeros=(4,)),)), "a feature is not there"),
    "linear width": (changed(parts=(LINEAR,)), "other features or targets"),
    "linear shape": (
        changed(features=5, parts=(msgspec.structs.replace(LINEAR, center=(1.0,)),)),
        "center has the wrong shape",
    ),
    "linear ragged": (
        changed(features=5, parts=(msgspec.structs.replace(LINEAR, table=((1.0,), (1.0, 2.0))),)),
        "cannot be used",
    ),
    "linear feature": (
        changed(features=5, parts=(msgspec.structs.replace(LINEAR, numbers=(0, 77)),)),
        "a feature is used twice or is not there",
    ),
    "linear whole beyond int64": (
        changed(features=5, parts=(msgspec.structs.replace(LINEAR, numbers=(0, 1 << 63)),)),
        "Not a valid Explain",
    ),
    "linear negative feature": (
        changed(features=5, parts=(msgspec.structs.replace(LINEAR, codes=(1, -1)),)),
        "Not a valid Explain",
    ),
}


@pytest.mark.parametrize(("data", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_another_form_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(Untrusted, match=reason):
        explain.decode(data)


def test_a_file_beyond_the_limit_is_not_parsed() -> None:
    with pytest.raises(Untrusted, match="more than 67108864"):
        explain.decode(b" " * ((64 << 20) + 1))
