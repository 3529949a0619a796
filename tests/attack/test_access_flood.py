"""A37: a thousand wrong keys from one address: 429 for it, one record in the audit, others served as before."""

from __future__ import annotations

import time
from pathlib import Path

from seaway.registry.store import Registry
from tests import serving
from tests.keyed import PARENT, Caller, bearer, give
from tests.serving import running

WRONG = 1000
GUESSER, NEIGHBOUR = "127.0.0.9", "127.0.0.10"


def test_a_thousand_wrong_keys_are_one_record_and_nobody_elses_trouble(tmp_path: Path, free_port: int) -> None:
    state = tmp_path / "state"
    state.mkdir()
    serving.make_state(state)
    text, _ = give(state, "viewer", name="web")
    with running(state, free_port, parent=PARENT, workers=2, durability="process") as server:
        guessers, neighbour = [Caller(server.port, GUESSER) for _ in range(4)], Caller(server.port, NEIGHBOUR)
        seen: list[int] = []
        slowest, began = 0.0, time.monotonic()
        for number in range(WRONG):
            status, headers, _ = guessers[number % 4].ask("GET", "/v1/models", None, bearer(f"{text[:-1]}-{number}"))
            seen.append(status)
            assert status == 401 or (status == 429 and int(headers["retry-after"]) >= 1)
            if number % 20 == 0:
                asked = time.monotonic()
                assert neighbour.ask("GET", "/v1/models", None, bearer(text))[0] == 200
                slowest = max(slowest, time.monotonic() - asked)
        seconds = time.monotonic() - began
        most = 20 + seconds / 3 + 1  # twenty at once, then one every three seconds, over both workers
        assert 20 <= seen.count(401) <= most
        assert seen[:20] == [401] * 20
        # Who shares the guesser's address and has a right key is let in; who has none is still asked for one.
        assert guessers[0].ask("GET", "/v1/models", None, bearer(text))[0] == 200
        assert guessers[1].ask("GET", "/v1/models")[0] == 401
        assert neighbour.ask("GET", "/v1/models", None, bearer("sw_typo"))[0] == 401
        for caller in (*guessers, neighbour):
            caller.close()
        assert server.stop() == 0
    (record,) = [one for one in Registry(state).history(None) if one.kind == "wrong keys"]
    assert f"{WRONG} keys that open nothing came from {GUESSER}" in record.reason
    assert f"{seen.count(429)} of them were turned away" in record.reason
    assert text[:-1] not in record.reason
    kinds = [one.kind for one in Registry(state).history(None)]
    assert kinds.count("serving started") == kinds.count("serving ended") == 1
    print(
        f"A37: {WRONG} wrong keys in {seconds:.1f} s: {seen.count(401)} x 401, {seen.count(429)} x 429, 1 audit record; "
        f"50 of 50 requests of another address answered, the slowest in {slowest * 1000:.0f} ms"
    )
