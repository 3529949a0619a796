"""What a TLS certificate says of itself."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from cryptography import x509


def ends(path: Path) -> datetime | None:
    """Return until when the certificate in a PEM file holds (UTC), or None where it cannot be read as one."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return None
