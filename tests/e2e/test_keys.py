"""`seaway keys` as a person uses it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.shell import refused, refused_in_words, run, seaway


@pytest.fixture
def project(project_folder: Path) -> Path:
    seaway(project_folder, "new", ".", "--data", "../loans.csv", "--target", "outcome")
    return project_folder


def test_keys_are_made_listed_rotated_and_revoked(project: Path) -> None:
    assert "No key was ever made" in run(project, "keys", "list", as_json=False).stdout
    made = seaway(project, "keys", "make", "web", "--role", "predictor", "--days", "30")
    assert made["text"].startswith(f"sw_{made['key']['id']}_")
    said = refused_in_words(project, "keys", "make", "web", "--role", "viewer")
    assert "seaway keys rotate web" in said
    turned = seaway(project, "keys", "rotate", "web", "--overlap", "24h")
    assert turned["replaces"] == made["key"]["id"]
    assert turned["text"] != made["text"]
    assert refused(project, "keys", "revoke", "web")["message"] == "2 keys are called 'web'"
    assert seaway(project, "keys", "revoke", made["key"]["id"], "--reason", "lost")["revoked"]
    assert "is revoked" in run(project, "keys", "revoke", "web", as_json=False).stdout
    assert [one["state"] for one in seaway(project, "keys", "list")] == ["revoked", "revoked"]
    kept = b"".join(path.read_bytes() for path in project.rglob("*") if path.is_file())
    assert all(one["text"].split("_")[2].encode() not in kept for one in (made, turned))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("make", "web", "--role", "root"), "There is no role 'root'"),
        (("make", "Web", "--role", "viewer"), "cannot be a key's name"),
        (("make", "web", "--role", "viewer", "--model", "nothing"), "There is no model nothing"),
        (("revoke", "nobody"), "There is no key 'nobody'"),
        (("rotate", "nobody"), "There is no key 'nobody'"),
    ],
)
def test_what_cannot_be_meant_is_refused(project: Path, arguments: tuple[str, ...], said: str) -> None:
    assert said in refused(project, "keys", *arguments)["message"]
