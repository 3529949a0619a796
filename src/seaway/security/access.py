"""Who may do what: one table that every door of the server asks, and what it does not name is denied."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from seaway.core.access import Role
from seaway.core.errors import BadInput, Denied


def _roles(*roles: Role) -> frozenset[Role]:
    return frozenset(roles)


OPERATIONS: Mapping[str, frozenset[Role]] = {
    # Add an operation here: its name -> the roles that may do it. `admin` may do all that is listed.
    "live": _roles("anyone"),
    "ready": _roles("anyone"),
    "predict": _roles("predictor"),
    "explain": _roles("predictor"),
    "label": _roles("labeler"),
    "contract": _roles("viewer", "predictor", "labeler", "operator", "auditor"),
    "models": _roles("viewer", "predictor", "labeler", "operator", "auditor"),
    "openapi": _roles("viewer", "predictor", "labeler", "operator", "auditor"),
    "metadata": _roles("viewer", "predictor", "labeler", "operator", "auditor"),
    "metrics": _roles("viewer", "operator", "auditor"),
}


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who asks. `models` are the models the roles hold for; `None` means every model."""

    name: str
    roles: frozenset[Role]
    models: frozenset[str] | None = frozenset()


NOBODY = Principal(name="", roles=frozenset())
"""A caller that has shown no key."""

LOCAL = Principal(name="local", roles=frozenset({"admin"}), models=None)
"""A caller on the loopback address of a server without keys: the owner of the machine."""


def allowed(operation: str, principal: Principal, model: str = "") -> bool:
    """Say whether the principal may do the operation; `model` is empty where it concerns no model in particular.

    An operation that is not in the table is denied to everyone, admins included.
    """
    roles = OPERATIONS.get(operation)
    if roles is None:
        return False
    if "anyone" in roles:
        return True
    if not principal.roles & (roles | {"admin"}):
        return False
    return not model or principal.models is None or model in principal.models


def require(operation: str, principal: Principal, model: str = "") -> None:
    """Raise `Denied` unless it is allowed; the text tells nothing about what exists."""
    if not allowed(operation, principal, model):
        raise Denied(
            f"{principal.name or 'A caller without a key'} may not {operation}",
            where=model or "server",
            fix="Ask the operator of this server for a key with the role and the model you need.",
        )


def refuse_undeclared(operations: Iterable[str]) -> None:
    """Raise unless the table names every operation a server offers: a door without a rule stops start-up."""
    unknown = sorted(set(operations) - set(OPERATIONS))
    if unknown:
        raise BadInput(
            f"No access rule for: {', '.join(unknown)}",
            where="security/access.py",
            fix="Name the operation and its roles in OPERATIONS.",
            code="undeclared-operation",
        )


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach the address; a name other than `localhost` counts as reachable."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def refuse_open_door(host: str, *, keys: bool = False, tls: bool = False) -> None:
    """Raise unless the address is loopback, or callers must show keys over TLS."""
    if not is_loopback(host) and not (keys and tls):
        raise BadInput(
            f"Other machines can reach {host!r}, and this server asks for no keys",
            where="serve.host",
            fix="Serve on 127.0.0.1, with a proxy in front that does TLS and asks who is calling.",
            code="open-door",
        )
