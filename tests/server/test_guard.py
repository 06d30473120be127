"""Who may call what: the table of calls and roles, held against the contract and a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import MethodOptions

from asha_server.guard import RULES, Scope
from asha_server.identity import Role, matches
from asha_server.pb import admin_service_pb2 as a
from asha_server.pb import admin_service_pb2_grpc as a_rpc
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import experiment_service_pb2_grpc as e_rpc
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import suggestion_service_pb2_grpc as s_rpc

from .conftest import Client, refused

SERVICES = (
    s.DESCRIPTOR.services_by_name["SuggestionService"],
    e.DESCRIPTOR.services_by_name["ExperimentService"],
    a.DESCRIPTOR.services_by_name["AdminService"],
)
METHODS = [method for service in SERVICES for method in service.methods]
TOKENS = {Role.READ: a.ROLE_READ, Role.WORKER: a.ROLE_WORKER, Role.ADMIN: a.ROLE_ADMIN}
STUBS = {
    "SuggestionService": s_rpc.SuggestionServiceStub,
    "ExperimentService": e_rpc.ExperimentServiceStub,
    "AdminService": a_rpc.AdminServiceStub,
}


def test_the_table_has_every_call_of_the_contract_and_no_other() -> None:
    assert sorted(RULES) == sorted(method.name for method in METHODS)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_the_roles_are_those_of_the_contract(method: Any) -> None:
    """Who reads may look; SuggestionService is for workers; the rest, and the server, for admin."""
    is_looking = method.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS
    service = method.containing_service.name

    if service == "AdminService":
        expected = Role.READ if method.name == "GetServerInfo" else Role.ADMIN
    elif is_looking:
        expected = Role.READ
    else:
        expected = Role.WORKER if service == "SuggestionService" else Role.ADMIN

    assert RULES[method.name].role is expected


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_what_names_an_experiment_is_held_against_the_token(method: Any) -> None:
    is_naming = "experiment_id" in method.input_type.fields_by_name
    scope = RULES[method.name].scope

    if method.client_streaming:
        assert scope is Scope.WITHIN
    elif is_naming:
        assert scope is Scope.EXPERIMENT or method.name == "ListLeases"
    else:
        assert scope in (Scope.SHOWN, Scope.NONE, Scope.SERVER)


async def test_a_server_lets_in_whom_the_table_lets_in(locked: Client) -> None:
    """Every call by every role; what is let in is refused for its empty request, or answered."""
    secrets = {role: await locked.create_token(f"of-{role}", TOKENS[role]) for role in Role}
    found: dict[str, list[Role]] = {}

    for method in METHODS:
        for role, secret in secrets.items():
            reason = await _reason(locked.bearing(secret), method)
            if reason != "SCOPE_MISSING":
                found.setdefault(method.name, []).append(role)

    expected = {name: [r for r in Role if r.includes(rule.role)] for name, rule in RULES.items()}
    assert found == expected


async def test_no_call_is_let_in_without_a_token(locked: Client) -> None:
    nobody = locked.plain

    assert {await _reason(nobody, method) for method in METHODS} == {"TOKEN_MISSING"}


async def _reason(client: Client, method: Any) -> str:
    """What an empty request ends with: the reason of its refusal; "" none."""
    stub: Any = STUBS[method.containing_service.name](client.channel)
    request = method.input_type._concrete_class()
    call = getattr(stub, method.name)(iter([request]) if method.client_streaming else request)
    try:
        if method.server_streaming:
            await call.read()
        else:
            await call
    except Exception as error:
        return (await refused(_raise(error))).reason
    return ""


async def _raise(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    ("pattern", "text", "is_match"),
    [
        ("a", "a", True),
        ("a", "ab", False),
        ("*", "", True),
        ("*", "anything", True),
        ("a-*", "a-", True),
        ("a-*", "b-a-", False),
        ("*-a", "x-a", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("a*b*c", "a-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("a.c", "abc", False),
        ("[a]", "a", False),
        ("a?", "ab", False),
        ("A", "a", False),
    ],
)
def test_patterns_know_one_sign(pattern: str, text: str, is_match: bool) -> None:
    assert matches(pattern, text) is is_match


def test_a_pattern_of_many_stars_is_looked_at_quickly() -> None:
    """What a backtracking matcher takes longer than the universe for."""
    assert not matches("a*" * 63 + "b", "a" * 128)


def test_the_manual_has_the_table() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "access.md").read_text()

    assert all(f"`{name}`" in page for name in RULES)
