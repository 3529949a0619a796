"""Who may do what: one table that every door of the server asks, and what it does not name is denied."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from seaway.core.access import EVERY_MODEL, Key, Role
from seaway.core.errors import BadInput, Denied

About = Literal["model", "models", "server"]
"""What an operation touches: one model; a list, of which each caller sees their own models; or all of the server."""


class Rule(NamedTuple):
    """Which roles may do an operation. `admin` may do all that is listed; `anyone` needs no key."""

    roles: frozenset[Role]
    about: About


def _rule(about: About, *roles: Role) -> Rule:
    return Rule(frozenset(roles), about)


OPERATIONS: Mapping[str, Rule] = {
    # Add an operation here: what it is about, and the roles that may do it.
    "live": _rule("server", "anyone"),
    "ready": _rule("server", "anyone"),
    "predict": _rule("model", "predictor"),
    "explain": _rule("model", "predictor"),
    "label": _rule("model", "labeler"),
    "contract": _rule("model", "viewer", "predictor", "labeler", "operator", "auditor"),
    "metadata": _rule("model", "viewer", "predictor", "labeler", "operator", "auditor"),
    "models": _rule("models", "viewer", "predictor", "labeler", "operator", "auditor"),
    "openapi": _rule("models", "viewer", "predictor", "labeler", "operator", "auditor"),
    "server": _rule("models", "viewer", "predictor", "labeler", "operator", "auditor"),
    "metrics": _rule("server", "viewer", "operator", "auditor"),
}


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who asks. `models` are the models the roles hold for; `None` means every model."""

    name: str
    roles: frozenset[Role]
    models: frozenset[str] | None = frozenset()

    def sees(self, model: str) -> bool:
        """Say whether the roles hold for a model; no name at all is every model's."""
        return self.models is None or model in self.models


NOBODY = Principal(name="", roles=frozenset())
"""A caller that has shown no key."""

LOCAL = Principal(name="local", roles=frozenset({"admin"}), models=None)
"""A caller on the loopback address of a server without keys: the owner of the machine."""

ANYONE = Principal(name="anyone", roles=frozenset({"admin"}), models=None)
"""A caller of a server that was opened to other machines, without keys, by an explicit setting."""


def principal_of(key: Key) -> Principal:
    """Return who asks with a key."""
    models = None if EVERY_MODEL in key.models else frozenset(key.models)
    return Principal(name=f"key:{key.name}", roles=frozenset(key.roles) - {"anyone"}, models=models)


def is_open(operation: str) -> bool:
    """Say whether an operation needs no key."""
    rule = OPERATIONS.get(operation)
    return rule is not None and "anyone" in rule.roles


def allowed(operation: str, principal: Principal, model: str = "") -> bool:
    """Say whether the principal may do the operation on a model; an empty name is for those who may do it on all.

    An operation that is not in the table is denied to everyone, admins included.
    """
    rule = OPERATIONS.get(operation)
    if rule is None:
        return False
    if "anyone" in rule.roles:
        return True
    if not principal.roles & (rule.roles | {"admin"}):
        return False
    if rule.about == "models":
        return principal.models is None or bool(principal.models)
    return principal.sees(model if rule.about == "model" else "")


def require(operation: str, principal: Principal, model: str = "") -> None:
    """Raise `Denied` unless it is allowed; the text tells nothing about what exists."""
    if not allowed(operation, principal, model):
        raise Denied(
            f"{principal.name or 'A caller without a key'} has no right to: {operation}",
            where=model or "server",
            fix="Name the model in the path, or ask the operator of this server for a key with the role and the model you need.",
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


_KEYS = ("no keys", "Make a key (seaway keys make NAME --role predictor)")
_TLS = ("no TLS", "Give a certificate (--tls-cert FILE --tls-key FILE)")


def refuse_open_door(host: str, *, keys: bool = False, tls: bool = False, insecure: bool = False) -> None:
    """Raise unless the address is loopback, or callers must show keys over TLS, or somebody said in words that it may be open."""
    if is_loopback(host) or insecure or (keys and tls):
        return
    lacks = [(what, mend) for is_there, what, mend in ((keys, *_KEYS), (tls, *_TLS)) if not is_there]
    raise BadInput(
        f"Other machines can reach {host!r}, and this server has {' and '.join(what for what, _ in lacks)}",
        where="serve.host",
        fix=f"{' and '.join(mend for _, mend in lacks)}; or serve on 127.0.0.1 behind a proxy; or say --insecure.",
        code="open-door",
    )
