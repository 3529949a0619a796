"""The sync client against a real server: what is sent is received, what is refused says where, nothing is done twice."""

from __future__ import annotations

import itertools
import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.client import Client, Retries, Timeouts
from seaway.core.errors import (
    BadInput,
    BrokenContract,
    Denied,
    NotFound,
    Throttled,
    Unavailable,
)
from seaway.core.event import Label, Prediction
from tests import credit
from tests.serving import ROW, Running
from tests.unit.client.conftest import alike, forward, listening, reply, request

QUICK = Retries(times=4, first_s=0.01, most_s=0.05)


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url, model="credit") as one:
        yield one


def logged(server: Running, client_id: str) -> list[Prediction]:
    found = [one for one in server.events() if isinstance(one, Prediction) and one.client_id == client_id]
    return [one for one in found if one.arm != "shadow"]


# ------------------------------------------------------------------------------------------------------- operations


def test_every_operation(client: Client, server: Running) -> None:
    answer = client.predict([ROW], explain=True)
    assert answer.model == "credit"
    assert answer.predictions[0]["label"] in ("good", "bad")
    why = client.explain([ROW]).explanations[0]
    assert why["base"] + sum(why["attributions"].values()) == pytest.approx(why["margin"], abs=1e-9)
    told = client.label([{"request_id": answer.request_id, "row": 0, "value": "good"}])
    assert (told.taken, told.refused) == (1, 0)
    (model,) = client.models()
    assert (model.name, model.release, [arm.arm for arm in model.arms]) == ("credit", answer.release, ["champion"])
    served = client.contract()
    assert served.contract == credit.CONTRACT
    assert served.digest == credit.CONTRACT.digest
    assert client.health().ready
    assert "seaway_requests_total" in client.metrics()
    assert any(isinstance(one, Label) and one.request_id == answer.request_id for one in server.events())


def test_a_repeat_gets_the_first_answer_and_is_logged_once(client: Client, server: Running) -> None:
    first = client.predict([ROW], request_id="mine-1")
    again = client.predict([{**ROW, "amount": 1.0}], request_id="mine-1")
    assert again == first
    assert len(logged(server, "mine-1")) == 1


@given(
    amount=st.none() | st.floats(allow_nan=False, allow_infinity=False, width=64),
    months=st.none() | st.integers(-(2**53), 2**53),
    purpose=st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    owner=st.none() | st.booleans(),
)
def test_what_is_sent_is_received(server: Running, amount: Any, months: Any, purpose: Any, owner: Any) -> None:
    """The log holds what the server read: it is what the caller sent, to the last bit, or the caller was told why not."""
    row = {"amount": amount, "months": months, "purpose": purpose, "owner": owner}
    with Client(f"http://127.0.0.1:{server.port}") as client:
        try:
            answer = client.predict([row])
        except BrokenContract:
            return
    (event,) = logged(server, answer.client_id)
    (received,) = msgspec.json.decode(event.rows)
    kept = {name: value for name, value in received.items() if value is not None}
    kept.pop("owner", None)  # personal: its digest is logged
    assert kept == {name: value for name, value in row.items() if value is not None and name != "owner"}


def test_values_of_numpy_and_times_can_be_sent(client: Client, server: Running) -> None:
    import numpy as np

    row = {"amount": np.float64(1234.5), "months": np.int64(12), "purpose": np.str_("car"), "owner": np.bool_(True)}
    answer = client.predict([row])
    assert msgspec.json.decode(logged(server, answer.client_id)[0].rows)[0]["amount"] == 1234.5
    with pytest.raises(BrokenContract, match="amount"):
        client.predict([{**ROW, "purpose": datetime(2026, 1, 1, tzinfo=UTC), "amount": "x"}])


# ----------------------------------------------------------------------------------------------------------- errors


def test_a_wrong_row_says_where(client: Client) -> None:
    with pytest.raises(BrokenContract, match="break the contract") as caught:
        client.predict([ROW, {**ROW, "months": "x"}])
    (cell,) = caught.value.cells
    assert (cell.row, cell.column, caught.value.code) == (1, "months", "broken-contract")
    assert caught.value.where.startswith("$.rows[1]")
    assert caught.value.fix


@pytest.mark.parametrize(
    ("value", "match"),
    [
        (float("nan"), "no number that can be sent"),
        (float("inf"), "no number"),
        (1j, "cannot be sent"),
        (object(), "cannot be sent"),
    ],
)
def test_what_json_has_no_word_for_is_refused_before_it_is_sent(client: Client, value: Any, match: str) -> None:
    with pytest.raises(BadInput, match=match) as caught:
        client.predict([ROW, {**ROW, "amount": value}])
    assert caught.value.where == "$.rows[1].amount"


def test_an_unknown_model_is_not_found(url: str) -> None:
    with Client(url, model="no/such") as client, pytest.raises(NotFound, match="model"):
        client.predict([ROW])


def test_nobody_there(free_port: int) -> None:
    client = Client(f"http://127.0.0.1:{free_port}", retries=QUICK)
    with pytest.raises(Unavailable, match=r"cannot be reached \(5 tries\): Connection refused") as caught:
        client.predict([ROW])
    assert caught.value.code == "unreachable"


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8000", "ftp://x", "http://", "http://a:b@host", "http://h:99999", "http://h/?q=1"]
)
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(BadInput, match="address is not one"):
        Client(url)


def test_a_key_is_never_shown(monkeypatch: pytest.MonkeyPatch, free_port: int) -> None:
    monkeypatch.setenv("SEAWAY_KEY", "sw_secret")
    client = Client(f"http://127.0.0.1:{free_port}", retries=QUICK)
    assert "sw_secret" not in repr(client) + repr(vars(client))
    assert "key='set'" in repr(client) or "key=set" in repr(client)
    with pytest.raises(Unavailable, match="cannot be reached") as caught:
        client.predict([ROW])
    assert "secret" not in str(caught.value)
    with pytest.raises(BadInput, match="letters that no key has") as refused:
        Client("http://127.0.0.1", key="sw_secret\n")
    assert "secret" not in str(refused.value)
    with pytest.raises(BadInput, match="plain text"):
        Client("http://example.org")
    assert "sw_secret" not in repr(Client("http://example.org", plain=True))


# ---------------------------------------------------------------------------------------------------------- retries


def test_429_and_503_are_asked_again_when_the_server_says(server: Running) -> None:
    moments: list[float] = []

    def busy(connection: socket.socket, number: int) -> None:
        data = request(connection)
        moments.append(time.monotonic())
        status = ("429 Too Many Requests", "503 Service Unavailable")
        if number < 2:
            connection.sendall(reply(status[number], b"{}", b"retry-after: 1", b"connection: close"))
        else:
            connection.sendall(forward(connection, server.port, data))

    with listening(busy) as url, Client(url, retries=QUICK) as client:
        answer = client.predict([ROW])
    assert len(logged(server, answer.client_id)) == 1
    assert len(moments) == 3
    assert all(1.0 <= later - sooner < 3.0 for sooner, later in itertools.pairwise(moments))


def test_a_pause_beyond_the_deadline_is_told_at_once(server: Running) -> None:
    body = b'{"error":{"code":"too-many-requests","message":"Too often","path":"header Authorization","fix":"Wait."}}'

    def busy(connection: socket.socket, number: int) -> None:
        request(connection)
        connection.sendall(reply("429 Too Many Requests", body, b"retry-after: 60", b"connection: close"))

    began = time.monotonic()
    with (
        listening(busy) as url,
        Client(url, timeouts=Timeouts(total_s=5)) as client,
        pytest.raises(Throttled, match="Too often") as caught,
    ):
        client.predict([ROW])
    assert caught.value.wait_s == 60
    assert time.monotonic() - began < 3


def test_a_broken_connection_is_asked_again_and_answered_once(server: Running) -> None:
    """The server answers, the answer is lost on the way, three times: the client reads the first one."""
    told: list[bytes] = []

    def breaking(connection: socket.socket, number: int) -> None:
        told.append(forward(connection, server.port, request(connection)).partition(b"\r\n\r\n")[2])
        if number == 3:
            connection.sendall(reply("200 OK", told[-1], b"connection: close"))

    with listening(breaking) as url, Client(url, retries=QUICK) as client:
        answer = client.predict([ROW])
    assert len(told) == 4
    assert len(set(told)) == 1
    (event,) = logged(server, answer.client_id)
    assert event.request_id == answer.request_id


def test_a_silent_server_is_not_asked_twice(server: Running) -> None:
    asked: list[bytes] = []

    def silent(connection: socket.socket, number: int) -> None:
        asked.append(request(connection))
        connection.recv(1)

    with (
        listening(silent) as url,
        Client(url, timeouts=Timeouts(read_s=0.3)) as client,
        pytest.raises(Unavailable, match="silent for too long") as caught,
    ):
        client.predict([ROW], request_id="mine-2")
    assert "request_id='mine-2'" in caught.value.fix
    assert caught.value.code == "timeout"
    assert len(asked) == 1


def test_a_slow_trickle_meets_the_deadline() -> None:
    def trickle(connection: socket.socket, number: int) -> None:
        request(connection)
        for letter in b"HTTP/1.1 200 OK\r\n" * 10:
            try:
                connection.sendall(bytes([letter]))
            except OSError:
                return
            time.sleep(0.05)

    began = time.monotonic()
    with (
        listening(trickle) as url,
        Client(url, timeouts=Timeouts(read_s=5, total_s=0.5)) as client,
        pytest.raises(Unavailable, match="no reply came"),
    ):
        client.predict([ROW])
    assert time.monotonic() - began < 2


def test_labels_whose_fate_is_unknown_are_not_sent_again() -> None:
    asked: list[bytes] = []

    def breaking(connection: socket.socket, number: int) -> None:
        asked.append(request(connection))

    with (
        listening(breaking) as url,
        Client(url, retries=QUICK) as client,
        pytest.raises(Unavailable, match="no reply came") as caught,
    ):
        client.label([{"request_id": "x", "row": 0, "value": "good"}])
    assert len(asked) == 1
    assert "the newer one counts" in caught.value.fix


@pytest.mark.parametrize(
    "data", [b"SSH-2.0-OpenSSH\r\n", b"\x15\x03\x01\x00\x02\x02\x46", b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"]
)
def test_what_is_no_http(data: bytes) -> None:
    def strange(connection: socket.socket, number: int) -> None:
        request(connection)
        connection.sendall(data)

    with (
        listening(strange) as url,
        Client(url, retries=QUICK) as client,
        pytest.raises(Unavailable, match="is no HTTP"),
    ):
        client.predict([ROW])


@pytest.mark.parametrize(
    ("status", "kind"), [("404 Not Found", NotFound), ("403 Forbidden", Denied), ("500 Oops", Unavailable)]
)
def test_a_page_of_a_proxy_is_told_by_its_status(status: str, kind: type[Exception]) -> None:
    def page(connection: socket.socket, number: int) -> None:
        request(connection)
        connection.sendall(reply(status, b"<html>", b"connection: close"))

    with listening(page) as url, Client(url) as client, pytest.raises(kind, match="no Seaway server answered"):
        client.predict([ROW])


# -------------------------------------------------------------------------------------------- many rows, many threads


def test_many_rows_come_back_in_order(client: Client) -> None:
    rows = credit.rows(700)
    whole = client.predict(rows).predictions
    found = list(client.predict_many(iter(rows), batch=37, concurrency=5))
    assert [one["label"] for one in found] == [one["label"] for one in whole]
    for one, other in zip(
        found, whole, strict=True
    ):  # an engine may add up in another order for another number of rows
        assert one["probabilities"] == pytest.approx(other["probabilities"], rel=1e-12)
    assert list(client.predict_many([])) == []


def test_rows_are_taken_only_as_they_are_needed(client: Client) -> None:
    taken = 0

    def endless() -> Iterator[dict[str, Any]]:
        nonlocal taken
        while True:
            taken += 1
            yield ROW

    found = client.predict_many(endless(), batch=10, concurrency=3)
    for _ in range(25):
        next(found)
    found.close()  # type: ignore[attr-defined]
    assert taken <= 60


def test_an_error_among_many_counts_from_the_first_row(client: Client) -> None:
    rows = [dict(row) for row in credit.rows(50)]
    rows[33]["months"] = "x"
    with pytest.raises(BrokenContract, match="break the contract") as caught:
        list(client.predict_many(rows, batch=10))
    assert caught.value.cells[0].row == 33
    assert caught.value.where.startswith("$.rows[33]")
    found = list(client.predict_many(rows, batch=10, partial=True))
    assert [number for number, one in enumerate(found) if "error" in one] == [33]
    assert found[33]["error"]["cells"][0]["row"] == 33


def test_one_client_for_many_threads(client: Client) -> None:
    rows = credit.rows(200)
    alone = [client.predict([row]).predictions[0] for row in rows]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda row: client.predict([row]).predictions[0], rows * 3))
    alike(together, alone * 3)


def test_connections_are_kept_and_bounded(server: Running) -> None:
    opened = []

    def passing(connection: socket.socket, number: int) -> None:
        opened.append(number)
        while data := request(connection):
            connection.sendall(forward(connection, server.port, data))

    with listening(passing) as url:
        with Client(url, connections=1) as client:
            threads = [threading.Thread(target=client.predict, args=([ROW],)) for _ in range(6)]
            for one in threads:
                one.start()
            for one in threads:
                one.join()
        assert opened == [0]


def test_a_forked_process_opens_connections_of_its_own(client: Client) -> None:
    first = client.predict([ROW]).predictions
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writable, msgspec.json.encode(client.predict([ROW]).predictions))
        os._exit(0)
    os.close(writable)
    os.waitpid(child, 0)
    assert msgspec.json.decode(os.read(readable, 65536)) == first
    os.close(readable)
    assert client.predict([ROW]).predictions == first
