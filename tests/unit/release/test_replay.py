"""A release asked over the live path before it counts: the real server, real HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from seaway.core import extend
from seaway.core.errors import Refused
from seaway.core.verdict import worst
from tests import credit
from tests.releases import Workshop


def test_the_signed_bundle_answers_over_http_as_the_trained_model(tmp_path: Path) -> None:
    shop = Workshop(tmp_path / ".seaway")
    built = shop.build(replay=extend.load("replay", "http"))
    live = [verdict for verdict in built.verdicts if verdict.code.startswith("R02")]
    assert [verdict.code for verdict in live] == ["R020", "R021", "R022", "R023"]
    assert worst(live) == "pass"
    assert all((verdict.value or 0.0) <= 1e-12 for verdict in live), "JSON carries every bit of a number"


def test_a_wrong_answer_over_http_refuses_the_release(tmp_path: Path) -> None:
    """Only the live path is told other answers: in process the gate passes, and over HTTP it must not."""
    shop = Workshop(tmp_path / ".seaway")
    pairs = credit.held_out()
    query, prediction = pairs[3]
    other = {name: 1.0 - p for name, p in prediction["probabilities"].items()}
    pairs[3] = query, prediction | {"probabilities": other}
    with pytest.raises(Refused, match="R022 real cases over /v1/predict"):
        shop.build(real=pairs, replay=extend.load("replay", "http"))
    assert [path.name for path in (shop.state / "staging").iterdir()] == [".lock"]
