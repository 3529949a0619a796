from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from seaway.core.batch import Query
from seaway.core.errors import Unavailable, Untrusted
from seaway.serve.dry_run import replay
from tests import credit


def test_a_release_repeats_its_vectors_and_real_rows_over_both_protocols(state: Path, digests: list[str]) -> None:
    found = replay(state / "bundles" / digests[0], credit.held_out(0), keys=state / "keys")
    assert [(one.code, one.outcome) for one in found] == [(f"R02{n}", "pass") for n in range(4)]
    assert [one.evidence["cases"] for one in found] == [121, 121, 150, 150]
    assert all(one.value is not None and one.value <= 1e-12 for one in found)


def test_another_models_answers_are_told_apart(state: Path, digests: list[str]) -> None:
    found = replay(state / "bundles" / digests[0], credit.held_out(1), keys=state / "keys")
    outcomes = {one.code: one.outcome for one in found}
    assert outcomes == {"R020": "pass", "R021": "pass", "R022": "fail", "R023": "fail"}


def test_one_changed_answer_is_seen(state: Path, digests: list[str]) -> None:
    real = credit.held_out(0)[:40]
    query, answer = real[7]
    told = msgspec.json.decode(msgspec.json.encode(answer))
    told["probabilities"]["bad"] += 2e-6
    real[7] = (query, told)
    found = {one.code: one for one in replay(state / "bundles" / digests[0], real, keys=state / "keys")}
    assert found["R022"].outcome == "fail"
    assert "1 beyond" in found["R022"].message


def test_a_changed_bundle_is_never_started(state: Path, digests: list[str]) -> None:
    card = state / "bundles" / digests[0] / "card.md"
    card.chmod(0o644)
    card.write_bytes(card.read_bytes() + b" ")
    with pytest.raises(Untrusted, match=r"card\.md is not what was signed"):
        replay(state / "bundles" / digests[0], [], keys=state / "keys")


def test_a_row_that_is_refused_stops_the_replay(state: Path, digests: list[str]) -> None:
    query, answer = credit.held_out(0)[0]
    strange = Query(rows=[{**query.rows[0], "stranger": 1}])
    with pytest.raises(Unavailable, match="answered 422"):
        replay(state / "bundles" / digests[0], [(strange, answer)], keys=state / "keys")


def test_it_ends_in_time(state: Path, digests: list[str]) -> None:
    with pytest.raises(Unavailable, match=r"did not start|took too long"):
        replay(state / "bundles" / digests[0], [], keys=state / "keys", timeout_s=0.01)
