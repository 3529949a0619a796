"""A27: schemathesis asks every door what the document says, and what it does not say, with and without keys.

Nothing may be answered that the document does not describe: no 5xx, no other status, content type, header or body, and with
keys no door that opens without one.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seaway.core.access import EVERY_MODEL
from seaway.registry.store import Registry
from seaway.security import keys
from tests import credit, sales, serving
from tests.serving import Running, running

SOAK_S = 1800
"""Seconds that each of the two long runs goes on making up requests."""

SHORT = ("--phases", "examples,coverage,fuzzing", "--max-examples", "3")
LONG = ("--max-time", str(SOAK_S))

SMALL = {"max_rows": 60, "max_text": 200}
"""Limits that made-up requests reach; requests up to those of a plain server would be mostly padding."""

LEFT_OUT = ("positive_data_acceptance", "negative_data_rejection", "object_level_authorization")
"""No schema can say that days lie on a grid or ids are as many as cases, so that what a schema allows may be refused;
tests/attack/promises.py holds broken data to a refusal; callers of one role own nothing apart."""

CONFIG = """hooks = "{hooks}"
[generation]
database = ":memory:"
"""


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("described") / "state"
    folder.mkdir()
    serving.make_state(folder, 1, credit)
    serving.make_state(folder, 1, sales)
    return folder


@pytest.fixture(scope="module")
def opened(state: Path) -> Iterator[Running]:
    """A server whose project never made a key. It comes first: a key closes the door for ever."""
    with running(state, _port(), durability="process", **SMALL) as started:
        yield started


@pytest.fixture(scope="module")
def locked(state: Path, opened: Running) -> Iterator[tuple[Running, str]]:
    """A server that asks for keys, and a key that may do everything; what is tried without one is not throttled here."""
    opened.stop()
    secret = keys.load_or_make_secret(state / "keys")
    text, key = keys.make("fuzz", roles=["admin"], models=[EVERY_MODEL], by="test", secret=secret)
    Registry(state).add_key(key, "test", "to be held to the document")
    with running(state, _port(), durability="process", bad_keys=10**9, **SMALL) as started:
        started.wait_until(lambda: started.ask("GET", "/v1/models")[0] == 401)
        yield started, text


def tried(
    server: Running, folder: Path, *options: str, key: str = "", document: Path | None = None
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Run schemathesis against a server by its document, or by another one; return what it said and its report."""
    config, report = folder / "schemathesis.toml", folder / "report.json"
    config.write_text(CONFIG.format(hooks=Path(__file__).with_name("promises.py")))
    address = f"http://127.0.0.1:{server.port}"
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(config),
        "run", str(document) if document else f"{address}/openapi.json", "--url", address,
        "--no-color", "--seed", "27", "--continue-on-failure", "--max-response-time", "5",
        "--exclude-checks", ",".join(LEFT_OUT), "--report", "json", "--report-json-path", str(report), *options,
        *(["--header", f"Authorization: Bearer {key}"] if key else []),
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONWARNINGS": "ignore"}
    )
    return done, json.loads(report.read_text()) if report.exists() else {}


def hold(server: Running, folder: Path, *options: str, key: str = "") -> None:
    """Hold a server to its document; any failure fails the test with what schemathesis says of it."""
    done, found = tried(server, folder, *options, key=key)
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2_000:]
    cases, doors = found["test_cases"], found["operations"]
    assert cases["generated"] > 0
    assert cases["with_failures"] == cases["errored"] == 0
    assert doors["tested"] == doors["total"] > 15
    assert not found["warnings"]["missing_auth"], "requests with a key were turned away"
    ran = {name: phase["status"] for name, phase in found["phases"].items() if phase["skip_reason"] != "disabled"}
    assert set(ran.values()) == {"success"}, ran
    assert "Traceback" not in (server.state.parent / f"server-{server.port}.txt").read_text()
    print(
        f"\nA27 {'with' if key else 'without'} a key: {cases['generated']:,} requests to {doors['tested']} doors "
        f"in {found['running_time']:.0f} s, {cases['with_failures']} failures"
    )


@pytest.mark.slow
def test_without_keys_nothing_undocumented_is_answered(opened: Running, tmp_path: Path) -> None:
    hold(opened, tmp_path, *SHORT)


def test_what_the_document_leaves_out_is_found(opened: Running, tmp_path: Path) -> None:
    """The rig itself can fail: take a status out of the document, another type into it, and claim keys that nobody asks for."""
    _, _, document = opened.ask("GET", "/openapi.json")
    doors = document["paths"]
    del doors["/v1/models/credit/predict"]["post"]["responses"]["400"]
    document["components"]["schemas"]["Models"]["properties"]["models"]["items"]["properties"]["share"] = {
        "type": "string"
    }
    document["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    doors["/metrics"]["get"]["security"] = [{"bearer": []}]
    models = document["components"]["schemas"]["Models"]["properties"]["models"]["items"]
    for form in (models, models["properties"]["arms"]["items"]):  # a field left out, and nothing said of others
        del form["additionalProperties"]
    models["required"].remove("sequence")
    del models["properties"]["sequence"]
    for path in set(doors) - {"/v1/models/credit/predict", "/v1/models", "/metrics"}:
        del doors[path]
    altered = tmp_path / "altered.json"
    altered.write_text(json.dumps(document))
    done, report = tried(opened, tmp_path, "--phases", "coverage", key="sw_none", document=altered)
    assert done.returncode == 1
    said = {failure["type"] for failure in report["failures"]}
    assert said >= {"UndefinedStatusCode", "JsonSchemaError", "IgnoredAuth"}, said
    assert "Additional properties are not allowed ('sequence' was unexpected)" in done.stdout


@pytest.mark.soak
def test_without_keys_for_half_an_hour(opened: Running, tmp_path: Path) -> None:
    hold(opened, tmp_path, *LONG)


@pytest.mark.slow
def test_with_keys_nothing_undocumented_is_answered_and_no_door_opens_without(
    locked: tuple[Running, str], tmp_path: Path
) -> None:
    server, text = locked
    hold(server, tmp_path, *SHORT, key=text)
    assert server.ask("GET", "/v1/models")[0] == 401


@pytest.mark.soak
def test_with_keys_for_half_an_hour(locked: tuple[Running, str], tmp_path: Path) -> None:
    server, text = locked
    hold(server, tmp_path, *LONG, key=text)
