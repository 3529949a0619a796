"""The first lines of a server: where it is, who may ask, and a request that works as pasted."""

from __future__ import annotations

from seaway.core.settings import ServeSettings
from seaway.security import access


def url(settings: ServeSettings, port: int) -> str:
    """Return where the server is; the address that means all of a machine's is asked as loopback."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    return f"{'https' if settings.tls_cert else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def greeting(settings: ServeSettings, port: int, *, asks: bool) -> str:
    """Say where the server is and who may ask it; `asks` says that it asks for keys."""
    at = url(settings, port)
    lines = [f"Serving at {at} (docs: {at}/openapi.json; Ctrl-C stops)"]
    is_local = access.is_loopback(settings.host)
    if asks:
        lines.append("Callers show a key: `seaway keys make NAME --role predictor` makes one.")
    elif is_local:
        lines.append("No key is needed on this machine; `seaway keys make NAME --role predictor` closes the door.")
    if not is_local and not (asks and settings.tls_cert):
        lacks = " and ".join(["without a key"] * (not asks) + ["in plain text"] * (not settings.tls_cert))
        lines.append(
            f"INSECURE: other machines can ask it {lacks}, because --insecure (the setting serve.insecure) allows it."
        )
    return "\n".join(lines)


def example(settings: ServeSettings, port: int, path: str, body: str, *, asks: bool) -> str:
    """Return a request that works as pasted; a caller who needs a key puts it into SEAWAY_KEY first."""
    trust = f" --cacert {settings.tls_cert}" if settings.tls_cert else ""
    key = ' -H "Authorization: Bearer $SEAWAY_KEY"' if asks else ""
    shown = body.replace("'", "'\\''")
    return f"Try: curl -s{trust} {url(settings, port)}{path} -H 'Content-Type: application/json'{key} -d '{shown}'"
