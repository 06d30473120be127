"""`asha token`: access tokens of a server."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from asha_server.cli import wording
from asha_server.cli.asking import ask, require_answer_possible, yes_option
from asha_server.cli.connecting import Server, server_option
from asha_server.cli.interval import Interval
from asha_server.cli.json_output import json_option, print_json
from asha_server.cli.refusal import Refusal
from asha_server.cli.settings import LIMITS, LimitSetting
from asha_server.cli.table import Column, Table, show
from asha_server.config import PER_IDENTITY
from asha_server.pb import admin_service_pb2 as pb
from asha_server.secret_file import write_secret_file
from asha_server.wire import access
from asha_server.wire.times import timestamp

ROLES = ("read", "worker", "admin")


class TokenLimit(LimitSetting):
    """`NAME=VALUE`, one limit of an identity; its name without what all of them begin with."""

    known = tuple(name for name in LIMITS if name.startswith(PER_IDENTITY))

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """The limit and its value."""
        name, number = super().convert(value, param, ctx)
        return name.removeprefix(PER_IDENTITY), number


@click.group(
    short_help="Create, list and revoke access tokens.",
    epilog="Example: asha token create team-a --role worker --experiment 'a-*' -o team-a.token",
)
def command() -> None:
    """Create, list and revoke access tokens of a server that runs with --auth tokens.

    A token has a role. read looks; worker trains as well; admin does everything. It can be bound to
    experiments by their ids, * standing for any text.
    """


@command.command("create")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What its bearer may do.")
@click.option(
    "--experiment",
    "patterns",
    multiple=True,
    metavar="PATTERN",
    help="Only for experiments of this id, * standing for any text. May be given several times.",
)
@click.option(
    "--expires-in", type=Interval(), metavar="TIME", help="As 12h or 30d.  [default: never]"
)
@click.option(
    "--limit",
    "limits",
    type=TokenLimit(),
    multiple=True,
    metavar="NAME=VALUE",
    help="What its bearer may take, where that differs from the server's setting; 0 is no limit. "
    "Names as for `asha serve --limit`, identity_requests_per_s and the like. May be given several "
    "times.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the secret here, readable by you alone, instead of printing it.",
)
@json_option
@server_option
def create(
    server: Server,
    name: str,
    role: str,
    patterns: tuple[str, ...],
    expires_in: int | None,
    limits: tuple[tuple[str, int], ...],
    output: Path | None,
    is_json: bool,
) -> None:
    """Create an access token and print its secret, which is never shown again."""
    request = pb.CreateTokenRequest(
        name=name,
        role=f"ROLE_{role.upper()}",
        experiment_patterns=patterns,
        expire_time=None if expires_in is None else timestamp(time.time_ns() // 1000 + expires_in),
        limits=access.format_identity_limits(dict(limits)) if limits else None,
    )
    response = server.call(server.admin.CreateToken, request)
    if output is not None:
        try:
            write_secret_file(output, f"{response.secret}\n".encode())
        except OSError as error:
            raise Refusal(
                f"{output} cannot be written ({error.strerror or error}): the secret is lost; "
                f"`asha token revoke {name}` and create another"
            ) from error
        response.secret = ""
    if is_json:
        print_json(response)
    else:
        click.echo(response.secret or f"{name}: its secret is in {output}")


@command.command("list")
@json_option
@server_option
def list_(server: Server, is_json: bool) -> None:
    """List access tokens, revoked ones included."""
    pages = server.pages(server.admin.ListTokens, pb.ListTokensRequest())
    tokens = [token for page in pages for token in page.tokens]
    if is_json:
        for token in tokens:
            print_json(token)
        return
    columns = [Column("token"), Column("role"), Column("experiments", is_wide=True)]
    table = Table((*columns, Column("limits"), Column("state")))
    for token in tokens:
        patterns = ", ".join(token.experiment_patterns) or "all"
        role = wording.word(pb.Role, token.role)
        table.add(token.name, role, patterns, _limits(token), _state(token))
    show([table if table.rows else "There are no tokens."])


@command.command("revoke")
@click.argument("name")
@yes_option
@server_option
def revoke(server: Server, name: str, is_sure: bool) -> None:
    """Make an access token void from now on."""
    require_answer_possible(is_sure)
    if not is_sure:
        ask(f"Whoever bears {name!r} is refused from now on. Revoke it?")
    server.call(server.admin.RevokeToken, pb.RevokeTokenRequest(name=name))
    click.echo(f"{name}: revoked")


def _limits(token: pb.Token) -> str:
    """What its bearer may take, where that differs from the server's setting."""
    return ", ".join(f"{field.name}={value}" for field, value in token.limits.ListFields())


def _state(token: pb.Token) -> str:
    """Whether it holds, and until when."""
    if token.HasField("revoke_time"):
        return f"revoked {wording.moment(token.revoke_time)}"
    if not token.HasField("expire_time"):
        return "holds"
    is_over = token.expire_time.ToNanoseconds() <= time.time_ns()
    return f"{'expired' if is_over else 'holds until'} {wording.moment(token.expire_time)}"
