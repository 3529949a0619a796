"""A release killed at any moment leaves nothing half-built, and the same command gives the same bytes afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from seaway.core import canonical
from seaway.core.bundle import open_bundle
from seaway.core.verdict import worst
from seaway.registry.store import Registry
from seaway.release.verify import verify
from seaway.security.sign import Ed25519Signer, TrustFolder
from tests import credit
from tests.bundles import PASSED, write_bundle
from tests.crash.rig import killed_at, tracer
from tests.releases import Workshop

KILLS, SEED = 30, 7


@pytest.mark.slow
def test_30_kills_of_build_and_register(tmp_path: Path) -> None:
    shop = Workshop(tmp_path / ".seaway")
    rng = np.random.default_rng(SEED)
    reservation = Registry(shop.state).reserve("credit", credit.candidate().digest)
    credit.held_out()  # trained before the first fork, so that each child only builds
    began = time.monotonic()
    assert _finish(shop, tmp_path / "trial")
    whole_s = time.monotonic() - began
    finished = 0
    for _ in range(KILLS):
        pid = _start(shop)
        time.sleep(float(rng.uniform(0.0, 1.1 * whole_s)))
        os.kill(pid, signal.SIGKILL)
        finished += os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        registry = Registry(shop.state)
        assert list(shop.state.glob("bundles/.staging-*")) == []
        for digest in registry.store:
            assert worst(verify(registry.store.get(digest), shop.verifier)) == "pass", "a stored bundle is whole"
        assert registry.reserve("credit", credit.candidate().digest) == reservation
    assert finished < KILLS, "the child was never killed at work"
    digest = shop.register()
    assert [release.digest for release in Registry(shop.state).releases("credit")] == [digest]
    assert list(Registry(shop.state).store) == [digest], "every build that came through gave these bytes"


def _start(shop: Workshop) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        shop.register()
        status = 0
    finally:
        os._exit(status)


def _finish(shop: Workshop, elsewhere: Path) -> bool:
    """Run a release to its end beside the real one, to learn how long it takes."""
    shutil.copytree(shop.state, elsewhere / ".seaway")
    pid = _start(Workshop(elsewhere / ".seaway"))
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.parametrize("left", ["staging", "bundles"])
def test_what_a_kill_left_is_gone_after_the_next_release(tmp_path: Path, left: str) -> None:
    shop = Workshop(tmp_path / ".seaway")
    name = "credit-1" if left == "staging" else ".staging-0123abcd"
    (shop.state / left / name / "program").mkdir(parents=True)
    (shop.state / left / name / "program" / "graph.onnx").write_bytes(b"half a graph")
    digest = shop.register()
    assert worst(verify(Registry(shop.state).store.get(digest), shop.verifier)) == "pass"
    assert not list(shop.state.glob("bundles/.staging-*"))


@pytest.mark.parametrize(
    "calls", ["mkdir", "rename", "fsync,fdatasync", "write", "chmod,fchmodat", "pwrite64", "unlink"]
)
def test_registering_killed_at_every_call_that_changes_a_file(tmp_path: Path, calls: str) -> None:
    strace = tracer()
    state = tmp_path / ".seaway"
    reservation = Registry(state).reserve("credit", "a")
    folder = write_bundle(
        tmp_path / "built",
        Ed25519Signer.load_or_make(state / "keys"),
        files={"program/graph.onnx": b"graph", "card.md": b"# Card"},
        created=reservation.created,
    )
    digest = canonical.digest((folder / "manifest.json").read_bytes())
    for k in range(1, 100):
        copy = Path(shutil.copytree(state, tmp_path / f"at-{k}" / ".seaway"))

        def register(copy: Path = copy) -> str:
            return Registry(copy).register(folder, reservation, PASSED, "test")

        was_killed = killed_at(strace, calls, k, register)
        registry = Registry(copy)
        assert not list(copy.glob("bundles/.staging-*")), "leftovers are removed at the next start"
        registered = [release.digest for release in registry.releases("credit")]
        assert registered in ([], [digest])
        assert set(registered) <= set(registry.store), "what is registered is stored"
        for stored in registry.store:
            assert open_bundle(registry.store.get(stored), TrustFolder(copy / "keys")).digest == digest
        assert register() == digest
        assert list(registry.store) == [digest]
        if not was_killed:
            assert k > 1, "there was nothing to kill at"
            return
    pytest.fail("registering never came to its end")
