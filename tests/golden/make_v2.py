"""Makes what schema 2 of the registry adds to the frozen project of version 1: the audit chain, its checkpoint, callers' keys.

    python tests/golden/make_v2.py tests/golden/v2

The result is laid over the project of `v1`, whose bundles it names. Once released, it is kept as it is.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from frozen import thaw

from seaway.registry.promote import promote
from seaway.registry.store import Registry
from seaway.security import keys

NAMES = ("frozen-one", "frozen-two", "frozen-three")


def main(target: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        state = thaw("v1", Path(scratch) / "loans") / ".seaway"
        registry = Registry(state)
        secret = keys.load_or_make_secret(state / "keys")
        made = [
            registry.add_key(
                keys.make(name, roles=("predictor",), models=("loans",), by="person:frozen", slot=0, secret=secret)[1],
                "person:frozen",
                "for the golden files",
            )
            for name in NAMES
        ]
        registry.revoke_key(made[1].id, "person:frozen", "it was lost")
        promote(registry, "sales", 2, "the line fits after all", "person:frozen")
        registry.note(None, "noted", reason="frozen", principal="person:frozen")
        shutil.rmtree(target, ignore_errors=True)
        (target / "keys").mkdir(parents=True)
        (target / "audit").mkdir()
        shutil.copy(state / "registry.db", target)
        shutil.copy(state / "audit" / "checkpoint.json", target / "audit")
        for path in (state / "keys").glob("*.pub"):
            shutil.copy(path, target / "keys")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
