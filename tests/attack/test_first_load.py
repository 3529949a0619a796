"""The first load of a release: what the walk cannot see meets a process with little memory, little time and no rights."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from seaway.core.candidate import Program
from seaway.core.errors import SeawayError, Unavailable, Untrusted
from seaway.engines.walk import walk
from seaway.security import proven, sandbox
from tests import unlimited
from tests.releases import Workshop

MEMORY, SECONDS = 1 << 30, 4.0
REFUSED_WITHIN = 10.0
"""Seconds in which a hostile graph must be refused (A29)."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    made = Workshop(tmp_path_factory.mktemp("shop") / ".seaway")
    made.build()
    return made


@pytest.fixture
def folder(shop: Workshop, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shop.state / "staging" / "credit-1", tmp_path / "bundle"))


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the engine without a walk to every process that starts from here."""
    (tmp_path / "package").mkdir()
    monkeypatch.setenv("PYTHONPATH", unlimited.install(tmp_path / "package"))


def load(folder: Path, shop: Workshop, *, memory: int = MEMORY, seconds: float = SECONDS) -> str:
    return sandbox.first_load(folder, shop.keys, memory=memory, seconds=seconds)


def test_a_good_release_comes_through(shop: Workshop, folder: Path) -> None:
    assert load(folder, shop) == proven_digest(folder)


def proven_digest(folder: Path) -> str:
    import hashlib

    return hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()


GRAPHS = {"endless loop": unlimited.endless_loop, "twelve gigabytes": unlimited.twelve_gigabytes}


@pytest.mark.parametrize("name", GRAPHS)
def test_the_walk_refuses_a_hostile_graph_before_a_library_sees_it(name: str) -> None:
    started = time.perf_counter()
    with pytest.raises(Untrusted, match=r"not allowed|without inputs"):
        walk(Program(engine="onnx", files={"graph.onnx": GRAPHS[name]()}))
    assert time.perf_counter() - started < 0.5


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("name", "code"), [("endless loop", "first-load-time"), ("twelve gigabytes", "first-load-memory")]
)
def test_a_hostile_graph_that_no_walk_saw_is_refused_in_time(
    shop: Workshop, folder: Path, name: str, code: str
) -> None:
    unlimited.bundle_of(shop, folder, GRAPHS[name]())
    started = time.perf_counter()
    with pytest.raises(Untrusted) as refusal:
        load(folder, shop, seconds=2.0 if name == "endless loop" else SECONDS)
    took = time.perf_counter() - started
    print(f"A29 {name}: refused after {took:.1f} s: {refusal.value.what}")
    assert took < REFUSED_WITHIN
    assert refusal.value.code == code
    assert refusal.value.fix


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("deed", "code"),
    [
        *((deed, "first-load-forbidden") for deed in "subprocess shell fork socket pickle write remove".split()),
        ("abort", "first-load-died"),
        ("memory", "first-load-memory"),
    ],
)
def test_what_no_load_may_do_ends_it(shop: Workshop, folder: Path, deed: str, code: str) -> None:
    unlimited.bundle_of(shop, folder, deed.encode())
    with pytest.raises(Untrusted) as refusal:
        load(folder, shop)
    assert refusal.value.code == code, refusal.value
    assert not Path("/tmp/seaway-evil").exists()


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("deed", ["endless", "sleep"])
def test_a_load_that_does_not_end_is_ended(shop: Workshop, folder: Path, deed: str) -> None:
    unlimited.bundle_of(shop, folder, deed.encode())
    with pytest.raises(Untrusted, match=r"was not ready within 1 s"):
        load(folder, shop, seconds=1.0)


@pytest.mark.usefixtures("engine")
def test_a_load_that_nobody_waits_for_is_given_up(shop: Workshop, folder: Path) -> None:
    unlimited.bundle_of(shop, folder, b"sleep")
    until = time.monotonic() + 0.3
    with pytest.raises(Unavailable, match="given up"):
        sandbox.first_load(folder, shop.keys, memory=MEMORY, seconds=60, is_wanted=lambda: time.monotonic() < until)
    assert time.monotonic() - until < 2.0


PARENT = """
import sys
from pathlib import Path
from seaway.security import sandbox
sandbox.first_load(Path(sys.argv[1]), Path(sys.argv[2]), memory=1 << 30, seconds=60)
"""


@pytest.mark.usefixtures("engine")
def test_the_child_ends_with_its_parent(shop: Workshop, folder: Path) -> None:
    unlimited.bundle_of(shop, folder, b"sleep")
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(folder), str(shop.keys)])
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
    until = time.monotonic() + 10
    while not (child := children.read_text().split()) or "_bind" in child:
        assert time.monotonic() < until
        time.sleep(0.02)
    time.sleep(0.6)  # until it has read what to do
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    until = time.monotonic() + 3
    while Path(f"/proc/{child[0]}").exists() and Path(f"/proc/{child[0]}/stat").read_text().split()[2] != "Z":
        assert time.monotonic() < until, "the child outlives its parent"
        time.sleep(0.02)


def test_secrets_of_the_environment_stay_with_the_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "secret")
    monkeypatch.setenv("SEAWAY_TOKEN", "secret")
    assert "secret" not in sandbox._environment().values()


# ------------------------------------------------------------------------------------------------------ the record


def test_a_release_is_loaded_within_limits_once(shop: Workshop, folder: Path, tmp_path: Path) -> None:
    digest, place = proven_digest(folder), tmp_path / "proven"
    limits = {"keys": shop.keys, "proven": place, "memory": MEMORY, "seconds": SECONDS}
    assert not proven.is_proven(place, digest)
    proven.prove(folder, digest, **limits)  # type: ignore[arg-type]
    assert proven.is_proven(place, digest)
    (record,) = place.glob("*.json")
    assert record.stat().st_mode & 0o777 == 0o600
    started = time.perf_counter()
    proven.prove(tmp_path / "nowhere", digest, **limits)  # type: ignore[arg-type]
    assert time.perf_counter() - started < 0.05


def test_another_version_or_a_damaged_record_proves_nothing(shop: Workshop, folder: Path, tmp_path: Path) -> None:
    digest = proven_digest(folder)
    proven.record(tmp_path, digest)
    path = tmp_path / f"{digest}.json"
    good = path.read_bytes()
    told = msgspec.json.decode(good)
    other = "0" * 64
    for changes in ({"onnxruntime": "1.0"}, {"seaway": "9"}, {"format": 2}, {"digest": other}, {"extra": 1}):
        path.write_bytes(msgspec.json.encode(told | changes, order="sorted"))
        assert not proven.is_proven(tmp_path, digest)
    path.write_bytes(good[:-1])
    assert not proven.is_proven(tmp_path, digest)
    path.write_bytes(good)
    assert proven.is_proven(tmp_path, digest)


def test_a_release_that_fails_is_not_recorded(shop: Workshop, folder: Path, tmp_path: Path) -> None:
    place, limits = tmp_path / "proven", {"memory": MEMORY, "seconds": SECONDS}
    with pytest.raises(Untrusted, match="not 000000000000"):
        proven.prove(folder, "0" * 64, keys=shop.keys, proven=place, **limits)  # type: ignore[arg-type]
    (folder / "card.json").unlink()
    with pytest.raises(SeawayError, match="is missing"):
        proven.prove(folder, proven_digest(folder), keys=shop.keys, proven=place, **limits)  # type: ignore[arg-type]
    assert not list(place.glob("*.json"))


# ------------------------------------------------------------------------------------------------- T1: audit events

WATCHED = """
import json, sys
from pathlib import Path
seen, texts = {}, []
names = set("os.exec os.fork os.forkpty os.posix_spawn os.system subprocess.Popen pickle.find_class socket.connect "
            "socket.bind exec ctypes.dlopen".split())
from seaway.core.answer import Answerer
from seaway.core import extend
from seaway.security.sign import TrustFolder
Answerer(Path(sys.argv[1]), TrustFolder(Path(sys.argv[2])))  # what modules do when they are imported is no event of the bundle

def watch(event, args):
    if event in names:
        seen[event] = seen.get(event, 0) + 1
        if event == "exec":
            texts.append(args[0].co_filename)
            texts.extend(str(one) for code in (args[0], *[c for c in args[0].co_consts if hasattr(c, "co_consts")])
                         for one in (*code.co_consts, *code.co_names))

sys.addaudithook(watch)
answerer = Answerer(Path(sys.argv[1]), TrustFolder(Path(sys.argv[2])))
columns = [column.name for column in answerer.contract.columns]
categories = [name for column in answerer.contract.columns for name in column.categories]
print(json.dumps({"seen": seen, "own": [text for text in texts if text in columns + categories]}))
"""


def test_loading_a_bundle_runs_nothing_of_it(shop: Workshop, folder: Path) -> None:
    """Three functions are made of text (a row's, twice, and the answers'), which holds positions only, no name or value of the bundle."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WATCHED, str(folder), str(shop.keys)],
        capture_output=True, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    told = msgspec.json.decode(done.stdout)
    assert set(told["seen"]) <= {"exec"}
    assert told["seen"].get("exec", 0) <= 3
    assert told["own"] == []
