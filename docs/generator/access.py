"""docs/reference/access.md: which call asks for which role."""

# ruff: noqa: E501 - a sentence or a row is one line, here as on the page
from __future__ import annotations

from asha_server.guard import RULES
from asha_server.identity import Role
from docs.generator.contract import sources
from docs.generator.markdown import heading, link, table


def page() -> str:
    """The page."""
    lines = heading("Access", "the table in `asha_server/guard.py`")
    lines += [
        "A server that runs with `--auth tokens` wants an access token with every call of the services below, as `authorization: Bearer TOKEN`.",
        "Each role includes those before it: `READ` looks, `WORKER` trains, `ADMIN` does everything.",
        "A token can be bound to experiments by patterns of their ids, `*` standing for any text; the last column says how that limits a call.",
        "`grpc.health.v1.Health` and server reflection ask for no token: probes have none, and the contract is public.",
        "",
        "Tokens are made by [`asha token`](cli.md#asha-token); what this defends against: [security](../explanation/security.md).",
        "Refusals: `TOKEN_MISSING`, `TOKEN_INVALID` and `SCOPE_MISSING` of [errors](errors.md).",
        "",
    ]
    for source in sources():
        for service in source.services:
            rows = []
            for method in service.methods:
                rule = RULES[method.name]
                marks = ["✓" if role.includes(rule.role) else "" for role in Role]
                rows.append([link(method.name, method.name, "rpc.md"), *marks, rule.scope])
            lines += [
                f"## {service.name}",
                "",
                *table(["call", *(f"`{role}`" for role in Role), "a bound token"], rows),
                "",
            ]
    return "\n".join(lines).rstrip() + "\n"
