"""The access table: what it does not name is denied."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest

from seaway.core.errors import BadInput, Denied
from seaway.security.access import (
    LOCAL,
    NOBODY,
    OPERATIONS,
    Principal,
    Role,
    allowed,
    is_loopback,
    refuse_open_door,
    refuse_undeclared,
    require,
)

ROLES: tuple[Role, ...] = get_args(Role)


def holder(*roles: Role, models: frozenset[str] | None = None) -> Principal:
    return Principal(name="somebody", roles=frozenset(roles), models=models)


@pytest.mark.parametrize(("operation", "role"), list(itertools.product(sorted(OPERATIONS), ROLES)))
def test_a_role_does_what_the_table_says_and_nothing_else(operation: str, role: Role) -> None:
    named = OPERATIONS[operation]
    assert allowed(operation, holder(role)) == (role in named or role == "admin" or "anyone" in named)


def test_without_a_key_only_live_and_ready_are_open() -> None:
    assert {operation for operation in OPERATIONS if allowed(operation, NOBODY)} == {"live", "ready"}


def test_the_owner_of_the_machine_may_do_everything_that_is_listed() -> None:
    assert all(allowed(operation, LOCAL, "credit") for operation in OPERATIONS)


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
    with pytest.raises(Denied, match="somebody may not predict") as raised:
        require("predict", holder("viewer"), "credit")
    assert "key with the role" in raised.value.fix
    with pytest.raises(Denied, match="A caller without a key may not models"):
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
    refuse_open_door(host, keys=True, tls=True)
