"""The server's certificate and key: what is taken, and what is said of files that are not it."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from seaway.core.errors import BadInput
from seaway.serve import tls
from tests.keyed import certificate


def test_only_tls_1_2_and_newer_is_spoken(tmp_path: Path) -> None:
    public, key = certificate(tmp_path)
    made = tls.context(str(public), str(key))
    assert made.minimum_version == ssl.TLSVersion.TLSv1_2
    assert made.options & ssl.OP_NO_RENEGOTIATION
    assert made.options & ssl.OP_NO_COMPRESSION


def test_both_files_are_asked_for(tmp_path: Path) -> None:
    public, key = certificate(tmp_path)
    with pytest.raises(BadInput, match="one of them is not given") as raised:
        tls.context(str(public), "")
    assert raised.value.where == "serve.tls_key"
    with pytest.raises(BadInput, match="There is no file"):
        tls.context("nowhere.pem", str(key))


def test_a_key_that_everyone_can_read_is_refused(tmp_path: Path) -> None:
    public, key = certificate(tmp_path)
    key.chmod(0o604)
    with pytest.raises(BadInput, match="Everyone on this machine can read the TLS key"):
        tls.context(str(public), str(key))


def test_a_key_of_another_certificate_and_no_pem_are_refused(tmp_path: Path) -> None:
    public, key = certificate(tmp_path)
    (tmp_path / "other").mkdir()
    other, _ = certificate(tmp_path / "other")
    with pytest.raises(BadInput, match="cannot be used") as raised:
        tls.context(str(other), str(key))
    assert raised.value.code == "tls-files"
    public.write_text("no certificate")
    with pytest.raises(BadInput, match="cannot be used"):
        tls.context(str(public), str(key))
