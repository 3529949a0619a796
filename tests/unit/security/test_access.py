"""The access table: what it does not name is denied."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest

from seaway.core.access import EVERY_MODEL, Role
from seaway.core.errors import BadInput, Denied
from seaway.security import keys
from seaway.security.access import (
    ANYONE,
    LOCAL,
    NOBODY,
    OPERATIONS,
    Principal,
    allowed,
    is_loopback,
    is_open,
    principal_of,
    refuse_open_door,
    refuse_undeclared,
    require,
)

ROLES: tuple[Role, ...] = get_args(Role)


def holder(*roles: Role, models: frozenset[str] | None = None) -> Principal:
    return Principal(name="somebody", roles=frozenset(roles), models=models)


ALL = "viewer predictor labeler operator auditor admin"

RIGHTS = {
    "live": "anyone",
    "ready": "anyone",
    "predict": "predictor admin",
    "explain": "predictor admin",
    "label": "labeler admin",
    "contract": ALL,
    "metadata": ALL,
    "models": ALL,
    "openapi": ALL,
    "server": ALL,
    "metrics": "viewer operator auditor admin",
}
"""The table said once more, so that a right is never given by a slip."""


def test_the_table_names_what_it_should() -> None:
    assert set(RIGHTS) == set(OPERATIONS)


@pytest.mark.parametrize(("operation", "role"), list(itertools.product(sorted(OPERATIONS), ROLES)))
def test_a_role_does_what_the_table_says_and_nothing_else(operation: str, role: Role) -> None:
    wanted = "anyone" in RIGHTS[operation] or role in RIGHTS[operation].split()
    assert allowed(operation, holder(role)) == wanted
    assert allowed(operation, holder(role), "credit") == wanted


@pytest.mark.parametrize(("operation", "role"), list(itertools.product(sorted(OPERATIONS), ROLES)))
def test_rights_for_one_model_are_none_for_another_for_all_or_for_the_server(operation: str, role: Role) -> None:
    rule, one = OPERATIONS[operation], holder(role, models=frozenset({"credit"}))
    has_role = role in RIGHTS[operation].split()
    is_free = is_open(operation)
    assert allowed(operation, one, "credit") == (is_free or (has_role and rule.about != "server"))
    assert allowed(operation, one, "churn") == (is_free or (has_role and rule.about == "models"))
    assert allowed(operation, one, "") == (is_free or (has_role and rule.about == "models"))
    assert allowed(operation, holder(role, models=frozenset()), "credit") == is_free


def test_a_key_asks_as_its_name_with_its_roles_and_models() -> None:
    def principal(*models: str) -> Principal:
        _, key = keys.make("web", roles=["viewer"], models=models, by="person:a", slot=0, secret=b"s")
        return principal_of(key)

    assert principal("credit") == Principal(name="key:web", roles=frozenset({"viewer"}), models=frozenset({"credit"}))
    assert principal("credit", EVERY_MODEL).models is None


def test_without_a_key_only_live_and_ready_are_open() -> None:
    assert {operation for operation in OPERATIONS if allowed(operation, NOBODY)} == {"live", "ready"}


def test_the_owner_of_the_machine_may_do_everything_that_is_listed() -> None:
    for everybody in (LOCAL, ANYONE):
        assert all(allowed(operation, everybody, model) for operation in OPERATIONS for model in ("credit", ""))


@pytest.mark.parametrize("operation", ["", "drop", "PREDICT", "predict ", "live/../models"])
def test_what_the_table_does_not_name_is_denied_to_everyone(operation: str) -> None:
    assert not allowed(operation, LOCAL)
    assert not allowed(operation, holder(*ROLES))


def test_roles_hold_for_their_models_only() -> None:
    one = holder("predictor", models=frozenset({"credit"}))
    assert allowed("predict", one, "credit")
    assert not allowed("predict", one, "churn")
    assert not allowed("predict", holder("predictor", models=frozenset()), "credit")


def test_admins_of_one_model_are_not_admins_of_another() -> None:
    assert not allowed("label", holder("admin", models=frozenset({"credit"})), "churn")


def test_a_denial_tells_what_is_missing_and_not_what_exists() -> None:
    with pytest.raises(Denied, match="somebody has no right to: predict") as raised:
        require("predict", holder("viewer"), "credit")
    assert "key with the role" in raised.value.fix
    with pytest.raises(Denied, match="A caller without a key has no right to: models"):
        require("models", NOBODY)
    require("predict", holder("predictor"), "credit")


def test_a_door_without_a_rule_stops_the_start() -> None:
    refuse_undeclared(OPERATIONS)
    with pytest.raises(BadInput, match="No access rule for: reload, shutdown"):
        refuse_undeclared([*OPERATIONS, "shutdown", "reload"])


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_loopback_needs_no_keys(host: str) -> None:
    assert is_loopback(host)
    refuse_open_door(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "192.168.1.2", "example", "localhost.evil.example", ""])
def test_an_address_that_others_reach_needs_keys_and_tls(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(BadInput, match="Other machines can reach"):
        refuse_open_door(host)
    with pytest.raises(BadInput, match="Other machines can reach"):
        refuse_open_door(host, keys=True)
    with pytest.raises(BadInput, match="this server has no keys"):
        refuse_open_door(host, tls=True)
    refuse_open_door(host, keys=True, tls=True)
    refuse_open_door(host, insecure=True)
