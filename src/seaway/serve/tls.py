"""The server's side of TLS: 1.2 or newer, with a certificate and key in PEM."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path

from seaway.core.errors import BadInput


def context(certificate: str, key: str) -> ssl.SSLContext:
    """Return what connections are wrapped in; raises `BadInput` where the files are not what they should be."""
    for path, setting in ((certificate, "serve.tls_cert"), (key, "serve.tls_key")):
        if not path or not Path(path).is_file():
            raise BadInput(
                f"There is no file {path!r}"
                if path
                else "TLS needs a certificate and its key, and one of them is not given",
                where=setting,
                fix="Give both PEM files: seaway serve --tls-cert FILE --tls-key FILE.",
                code="tls-files",
            )
    if stat.S_IMODE(Path(key).stat().st_mode) & 0o007:
        raise BadInput(
            "Everyone on this machine can read the TLS key", where=key, fix=f"Run: chmod 600 {key}", code="shared-key"
        )
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    try:
        made.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        raise BadInput(
            f"The TLS certificate and key cannot be used: {getattr(error, 'reason', None) or error}",
            where=certificate,
            fix="Both must be PEM, the key without a password and belonging to the certificate.",
            code="tls-files",
        ) from None
    return made
