"""`seaway keys`: callers' keys made, listed, revoked and replaced. A key's text is returned once and kept nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from seaway.core import chance
from seaway.core.access import EVERY_MODEL, Key
from seaway.core.errors import BadInput, NotFound
from seaway.security import keys as made_keys
from seaway.security.limits import Moments
from seaway.serve.door import USED
from seaway.workflow.workspace import Workspace, person


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that was just made, with the text that nobody can tell again; `ends` names the key it replaces and when that ends."""

    text: str
    key: Key
    replaces: str = ""
    ends: str = ""


class ListedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it stands: `state` is "valid", "expired" or "revoked"; `used` is about when, empty where never."""

    id: str
    name: str
    state: str
    roles: tuple[str, ...]
    models: tuple[str, ...]
    rate: float
    made: str
    by: str
    expires: str
    revoked: str
    used: str


def make(
    workspace: Workspace,
    name: str,
    *,
    roles: Sequence[str],
    models: Sequence[str] = (),
    every_model: bool = False,
    days: float = made_keys.DAYS,
    rate: float = 0.0,
    principal: str = "",
) -> NewKey:
    """Make a key for the project's own model, for the models named, or for every model there ever is."""
    registry, by = workspace.registry, principal or person()
    if every_model and models:
        raise BadInput(
            "A key is for some models or for every model",
            where="seaway keys make",
            fix="Leave --model or --every-model out.",
        )
    wanted = (EVERY_MODEL,) if every_model else tuple(models) or (workspace.model,)
    known = {workspace.model, *registry.models(), EVERY_MODEL}
    if unknown := sorted(set(wanted) - known):
        raise NotFound(
            f"There is no model {', '.join(unknown)}",
            where="seaway keys make",
            fix=f"The models are: {', '.join(sorted(known - {EVERY_MODEL}))}.",
        )
    if held := [one for one in _valid(registry.keys().values()) if one.name == name]:
        raise BadInput(
            f"There is a key {name!r} already ({held[0].id})",
            where="seaway keys make",
            fix=f"Take another name; or, where its text is lost: seaway keys rotate {name}.",
            code="name-taken",
        )
    text, key = made_keys.make(name, roles=roles, models=wanted, by=by, secret=_secret(workspace), days=days, rate=rate)
    return NewKey(
        text=text, key=registry.add_key(key, by, f"{name}: {', '.join(key.roles)} for {', '.join(key.models)}")
    )


def listed(workspace: Workspace) -> list[ListedKey]:
    """List every key that was ever made, the oldest first."""
    found = sorted(workspace.registry.keys().values(), key=lambda key: key.slot)
    used = _used(workspace, found)
    return [
        ListedKey(
            id=key.id,
            name=key.name,
            state=made_keys.ended(key, chance.now()) or "valid",
            roles=key.roles,
            models=key.models,
            rate=key.rate,
            made=key.made,
            by=key.by,
            expires=key.expires,
            revoked=key.revoked,
            used=chance.stamp(moment) if moment else "",
        )
        for key, moment in zip(found, used, strict=True)
    ]


def revoke(workspace: Workspace, reference: str, *, reason: str, principal: str = "") -> Key:
    """End a key, named by its id or its name, now and for ever; running servers refuse it within a second."""
    key = _find(workspace, reference)
    return workspace.registry.revoke_key(key.id, principal or person(), reason)


def rotate(
    workspace: Workspace,
    reference: str,
    *,
    overlap_s: float = 0.0,
    days: float = made_keys.DAYS,
    reason: str = "rotated",
    principal: str = "",
) -> NewKey:
    """Make a key with the same name and rights; the one it replaces ends after the overlap, both in one step."""
    by, former = principal or person(), _find(workspace, reference)
    if state := made_keys.ended(former, chance.now()):
        raise BadInput(
            f"The key {former.id} is {state} already",
            where="seaway keys rotate",
            fix=f"Make a new one: seaway keys make {former.name} --role {former.roles[0]}.",
            code="ended-key",
        )
    text, key = made_keys.make(
        former.name,
        roles=former.roles,
        models=former.models,
        by=by,
        secret=_secret(workspace),
        days=days,
        rate=former.rate,
    )
    ends = chance.stamp(chance.now() + overlap_s)
    made = workspace.registry.rotate_key(former.id, key, ends, by, reason)
    return NewKey(text=text, key=made, replaces=former.id, ends=ends)


def _secret(workspace: Workspace) -> bytes:
    return made_keys.load_or_make_secret(workspace.project.make().keys)


def _valid(keys: Iterable[Key]) -> list[Key]:
    now = chance.now()
    return [key for key in keys if not made_keys.ended(key, now)]


def _find(workspace: Workspace, reference: str) -> Key:
    """Return a key by its id, or by its name where one valid key has it."""
    keys = workspace.registry.keys()
    if reference in keys:
        return keys[reference]
    named = [key for key in keys.values() if key.name == reference]
    valid = _valid(named)
    if len(valid) == 1 or (len(named) == 1 and not valid):
        return (valid or named)[0]
    ids = ", ".join(key.id for key in valid or named)
    raise NotFound(
        f"{len(valid or named)} keys are called {reference[:64]!r}" if named else f"There is no key {reference[:64]!r}",
        where="seaway keys",
        fix=f"Name one by its id: {ids}." if named else "`seaway keys list` names those there are.",
    )


def _used(workspace: Workspace, keys: Sequence[Key]) -> list[float]:
    path = workspace.project.serving / USED
    if not path.exists():
        return [0.0] * len(keys)
    moments = Moments(path)
    try:
        return [moments[key.slot] for key in keys]
    finally:
        moments.close()
