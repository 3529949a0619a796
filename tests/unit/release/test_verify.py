"""Verifying a bundle: one verdict per question, in the order that is safe."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from seaway.core import bundle, chance
from seaway.core.verdict import Verdict, worst
from seaway.release.verify import CODES, verify
from seaway.security.sign import Ed25519Signer, TrustFolder
from tests.releases import Workshop, resign


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path / ".seaway")


@pytest.fixture
def folder(shop: Workshop) -> Path:
    return shop.build().folder


def outcomes(verdicts: list[Verdict]) -> str:
    """Return one letter per question: pass, warn, fail, or - where it was not asked."""
    assert [verdict.code for verdict in verdicts] == list(CODES)
    return "".join("-" if verdict.outcome == "not-applicable" else verdict.outcome[0] for verdict in verdicts)


def failure(verdicts: list[Verdict]) -> Verdict:
    (found,) = [verdict for verdict in verdicts if verdict.outcome == "fail"]
    assert found.fix
    return found


def test_a_good_bundle_passes_every_question(shop: Workshop, folder: Path) -> None:
    verdicts = verify(folder, shop.verifier)
    assert outcomes(verdicts) == "ppppp"
    assert worst(verdicts) == "pass"


def test_a_stranger_s_bundle_is_not_looked_into(folder: Path, tmp_path: Path) -> None:
    verdicts = verify(folder, TrustFolder(tmp_path / "nobody"))
    assert outcomes(verdicts) == "f----"
    assert "not trusted here" in failure(verdicts).message
    assert verdicts[1].message == "The digests was not looked at, since R001 failed"


def test_a_changed_file_is_found_before_it_is_parsed(shop: Workshop, folder: Path) -> None:
    path = folder / "program" / "graph.onnx"
    path.write_bytes(path.read_bytes()[:-1])
    verdicts = verify(folder, shop.verifier)
    assert outcomes(verdicts) == "pf---"
    assert failure(verdicts).message == "program/graph.onnx is not what was signed"


def test_a_signed_graph_that_is_not_allowed_is_found_before_it_is_loaded(shop: Workshop, folder: Path) -> None:
    resign(folder, shop.signer, {"program/graph.onnx": b"\x08\x0a"})
    assert outcomes(verify(folder, shop.verifier)) == "ppf--"


def test_another_encoder_makes_other_numbers(shop: Workshop, folder: Path) -> None:
    verdicts = verify(resign(folder, shop.signer, encoder=2), shop.verifier)
    assert outcomes(verdicts) == "ppf--"
    assert "made with encoder 2" in failure(verdicts).message


def test_an_unknown_engine_is_refused(shop: Workshop, folder: Path) -> None:
    verdicts = verify(resign(folder, shop.signer, engine="python"), shop.verifier)
    assert outcomes(verdicts) == "ppf--"
    assert "no engine called 'python'" in failure(verdicts).message


def test_answers_other_than_the_trained_model_s_are_found(shop: Workshop, folder: Path) -> None:
    lines = (folder / bundle.PARITY).read_bytes().splitlines(keepends=True)
    lines[5] = lines[5].replace(b'"label":0', b'"label":9').replace(b'"label":1', b'"label":0').replace(b":9", b":1")
    verdicts = verify(resign(folder, shop.signer, {bundle.PARITY: b"".join(lines)}), shop.verifier)
    assert outcomes(verdicts) == "pppfp"
    assert "1 decisions changed" in failure(verdicts).message


@pytest.mark.parametrize(
    "vectors",
    [b"", b"\n", b"{}\n", b'{"row":{},"answers":{}}\n', b'{"row":{"amount":"x"},"answers":{}}\n', b"\xff\n"],
)
def test_vectors_that_show_nothing_fail(shop: Workshop, folder: Path, vectors: bytes) -> None:
    assert outcomes(verify(resign(folder, shop.signer, {bundle.PARITY: vectors}), shop.verifier)) == "pppfp"


def test_an_expired_release_fails_and_one_about_to_expire_warns(shop: Workshop, folder: Path) -> None:
    past = resign(folder, shop.signer, expires=chance.stamp(chance.now() - 60))
    assert outcomes(verify(past, shop.verifier)) == "ppppf"
    soon = resign(folder, shop.signer, expires=chance.stamp(chance.now() + 10 * 86_400))
    assert outcomes(verify(soon, shop.verifier)) == "ppppw"
    never = resign(folder, shop.signer, expires="soon")
    assert outcomes(verify(never, shop.verifier)) == "ppppf"


def test_a_folder_that_is_not_there_fails(shop: Workshop, tmp_path: Path) -> None:
    verdicts = verify(tmp_path / "nowhere", shop.verifier)
    assert outcomes(verdicts) == "f----"
    assert "The bundle's folder cannot be opened" in failure(verdicts).message


def test_verifying_changes_nothing_and_needs_no_trainer(shop: Workshop, folder: Path) -> None:
    before = {path: path.read_bytes() for path in shop.state.rglob("*") if path.is_file()}
    code = (
        "import sys; from pathlib import Path; from seaway.release.verify import verify;"
        "from seaway.security.sign import TrustFolder; from seaway.core.verdict import worst;"
        "assert worst(verify(Path(sys.argv[1]), TrustFolder(Path(sys.argv[2])))) == 'pass';"
        "heavy = {'onnx', 'lightgbm', 'sklearn', 'polars', 'scipy', 'sqlalchemy'};"
        "sys.exit(', '.join(heavy & {name.partition('.')[0] for name in sys.modules}) or None)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), str(shop.keys)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert {path: path.read_bytes() for path in shop.state.rglob("*") if path.is_file()} == before


def test_another_key_that_is_trusted_will_do(folder: Path, shop: Workshop, tmp_path: Path) -> None:
    colleague = Ed25519Signer.load_or_make(tmp_path / "colleague")
    (shop.keys / "colleague.pub").write_bytes(colleague.public)
    assert outcomes(verify(resign(folder, colleague), shop.verifier)) == "ppppp"
