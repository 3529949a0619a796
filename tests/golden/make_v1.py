"""Makes the frozen project of version 0.1's formats: bundle 1, event log 1, registry 1, run journal 1, index of the log 3.

It was run once, by the code of commit 7d11740 in a worktree of its own, with the worktree's `src` and `tests` on PYTHONPATH:

    git worktree add --detach ../v1 7d11740
    PYTHONPATH=../v1/src:../v1/tests python tests/golden/make_v1.py tests/golden/v1

What it made is kept as it is: whatever comes later must open it. The private key is thrown away, the public one stays.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import ModuleType
from typing import Any

import credit  # the tests of that commit hold this and two more
import numpy as np
import sales
import shoppers

from seaway.core import chance, segment
from seaway.core.settings import ReleaseSettings, Settings
from seaway.registry.promote import promote, rollback
from seaway.registry.store import Registry
from seaway.release.build import build
from seaway.security.sign import Ed25519Signer, TrustFolder

FOR_EVER_DAYS = 36_500
PURPOSES = ("car", "home", "study")


def main(target: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "loans"
        make_project(folder)
        for source, seed in ((sales, 0), (sales, 1), (shoppers, 0), (credit, 0)):
            register(folder / ".seaway", source, seed)
        registry = Registry(folder / ".seaway")
        promote(registry, "sales", 2, "the line fits better", "person:frozen")
        rollback(registry, "sales", "it did not", "person:frozen")
        answers = serve(folder)
        cut_open(folder / ".seaway" / "log" / "loans")
        seaway(folder, "monitor", exits=(0, 1))
        (folder / ".seaway" / "keys" / "signing.key").unlink()
        shutil.rmtree(target, ignore_errors=True)
        keep(folder, target)
        (target / "answers.json").write_text(json.dumps(answers, indent=1) + "\n", encoding="utf-8")


def make_project(folder: Path) -> None:
    rng = np.random.default_rng(7)
    lines = ["loan,amount,months,purpose,outcome"]
    for row in range(160):
        amount, months = float(rng.lognormal(8, 0.6)), int(rng.integers(6, 60))
        purpose = str(rng.choice(PURPOSES, p=[0.6, 0.3, 0.1]))
        margin = 0.9 * (np.log(amount) - 8) + 0.04 * (months - 30) + 0.8 * (purpose == "study")
        outcome = "bad" if rng.random() < 1 / (1 + np.exp(-margin)) else "good"
        lines.append(f"L{row},{'' if row % 37 == 0 else round(amount, 2)},{months},{purpose},{outcome}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir()
    (folder / "loans.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    seaway(folder, "new", ".", "--data", "loans.csv", "--target", "outcome", "--id", "loan")
    settings = folder / "seaway.toml"
    settings.write_text(settings.read_text() + f"\n[release]\ndays = {FOR_EVER_DAYS}\n", encoding="utf-8")
    seaway(folder, "train", "--trials", "3", "--preset", "fast", "--seed", "3")
    seaway(folder, "release")


def register(state: Path, source: ModuleType, seed: int) -> None:
    registry, keys = Registry(state), state / "keys"
    candidate = source.candidate(seed)
    reservation = registry.reserve(source.MODEL, candidate.digest)
    built = build(
        candidate,
        model=source.MODEL,
        version=reservation.version,
        sequence=reservation.sequence,
        parent=reservation.parent,
        created=reservation.created,
        signer=Ed25519Signer.load_or_make(keys),
        verifier=TrustFolder(keys),
        settings=Settings(release=ReleaseSettings(days=FOR_EVER_DAYS)),
        real=source.held_out(seed),
        replay=None,
        staging=state / "staging" / f"{source.MODEL}-{reservation.version}",
        keys=keys,
    )
    digest = registry.register(built.folder, reservation, built.verdicts, "person:frozen")
    if registry.assignment(source.MODEL) is None:
        promote(registry, source.MODEL, digest, "first release of the model", "person:frozen")
    shutil.rmtree(state / "staging")


def serve(folder: Path) -> dict[str, Any]:
    """Ask every model, send labels by request and by id, and return what was asked with what was answered."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "seaway.cli", "serve", "--port", str(port)], cwd=folder, stdout=sys.stderr
    )
    try:
        until = chance.monotonic() + 30
        while chance.monotonic() < until and post(port, "GET", "/health/ready")[0] != 200:
            time.sleep(0.1)
        asked = [
            *(
                (
                    "loans",
                    {
                        "rows": [
                            {"loan": f"N{one}", "amount": 900.5 * one, "months": 6 + one, "purpose": PURPOSES[one % 3]}
                        ],
                        "request_id": f"client-{one}",
                    },
                )
                for one in range(1, 13)
            ),
            (
                "loans",
                {
                    "rows": [
                        {"loan": f"B{one}", "amount": None if one == 2 else 3000.0, "months": 24, "purpose": "boat"}
                        for one in range(10)
                    ]
                },
            ),
            *(("sales", {"rows": [dict(row) for row in sales.asked(shop).rows]}) for shop in sales.SHOPS),
            *(("shoppers", {"rows": shoppers.rows(1, seed)}) for seed in (5, 6)),
            *(("credit", {"rows": credit.rows(3, seed)}) for seed in (5, 6)),
        ]
        told = []
        for model, body in asked:
            status, reply = post(port, "POST", f"/v1/models/{model}/predict", body)
            assert status == 200, reply
            told.append({"model": model, "body": body, "reply": reply})
        refused = post(port, "POST", "/v1/models/loans/predict", {"rows": [{"loan": "X", "months": "six"}]})
        assert refused[0] == 422, refused
        many = told[12]["reply"]["request_id"]
        labels = [
            *(
                {"request_id": told[one]["reply"]["request_id"], "value": "good" if one % 2 else "bad"}
                for one in range(6)
            ),
            *({"id": f"N{one}", "value": "bad"} for one in range(7, 13)),
            *({"request_id": many, "row": row, "value": "good"} for row in range(10)),
            {"request_id": many, "row": 3, "value": "bad"},
        ]
        status, reply = post(port, "POST", "/v1/models/loans/labels", {"labels": labels})
        assert status == 200, reply
        return {"asked": told, "labels": len(labels)}
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def post(port: int, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json"}, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 0, None


def cut_open(log: Path) -> None:
    """Leave one segment as a killed worker does: still open, its last record torn. The first of its events stay in the sealed one."""
    sealed = next(path for path in sorted(log.glob("*.seg")))
    body = next(body for _, body in segment.read(sealed))
    worker, number = segment.read_header(sealed.read_bytes()[: segment.HEADER.size], sealed)
    record = segment.frame(body)
    path = log / segment.name(worker, number + 1, sealed=False)
    path.write_bytes(segment.header(worker, number + 1) + record + record[: len(record) // 2])


def seaway(folder: Path, *arguments: str, exits: tuple[int, ...] = (0,)) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "seaway.cli", *arguments, "--json"],
        cwd=folder,
        env=os.environ | {"SEAWAY_TRAIN_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in exits, f"{arguments}\n{done.stdout}\n{done.stderr}"


def keep(folder: Path, target: Path) -> None:
    """Copy the project with its state under a name that git does not ignore; pages, locks and empty folders stay behind."""
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns(".seaway", ".gitignore"))
    left = shutil.ignore_patterns("reports", "*.html", "*.lock", ".lock", "serving", "staging", "tmp")
    shutil.copytree(folder / ".seaway", target / "state", ignore=left)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
