"""docs/reference/limits.md: what a server bears."""

# ruff: noqa: E501 - a sentence or a row is one line, here as on the page
from __future__ import annotations

import dataclasses

from asha_server.cli.sidecar.folder import PROBLEMS_MAX
from asha_server.cli.sidecar.socket_service import PATH_BYTES_MAX
from asha_server.config import PER_IDENTITY, SECOND_US, Limits
from asha_server.reader.importing import IMPORTS_MAX
from asha_server.reader.process import FORECASTS_MAX
from asha_server.search import bracket, forecast, reporting, spec
from asha_server.search.trial import REMEMBERED_REPORTS
from asha_server.search.violation import MAX_PARAMETERS
from asha_server.store.history_file import LINE_BYTES_MAX
from asha_server.wire.access import PATTERNS_MAX
from docs.generator.contract import elements
from docs.generator.docstring import attributes
from docs.generator.markdown import heading, table

_SIZES = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))
FIXED: tuple[tuple[str, str, str], ...] = (
    ("labels of an experiment", f"{spec.LABELS_MAX}", "`search/spec.py`"),
    ("one label, key and value together", f"{spec.LABEL_BYTES_MAX} bytes", "`search/spec.py`"),
    ("display name", f"{spec.TEXT_BYTES_MAX} bytes", "`search/spec.py`"),
    ("unit", f"{spec.UNIT_BYTES_MAX} bytes", "`search/spec.py`"),
    ("experiment, parameter and metric names", spec.NAME_RULE, "`search/spec.py`"),
    ("parameters of a search space", f"{MAX_PARAMETERS:,}", "`search/violation.py`"),
    ("rungs of a bracket", f"{bracket.MAX_RUNGS_LIMIT}", "`search/bracket.py`"),
    ("brackets given by `bracket_rungs`", f"{bracket.MAX_BRACKETS_LIMIT}", "`search/bracket.py`"),
    (
        "`lease_ttl`",
        f"{spec.LEASE_TTL_MIN_US // SECOND_US} s to {spec.LEASE_TTL_MAX_US // SECOND_US // 3600} h",
        "`search/spec.py`",
    ),
    ("places in rungs (trials × rungs, over all brackets) of a search that a preview simulates", f"{forecast.PLACES_MAX:,}", "`search/forecast.py`"),
    ("forecasts simulated at one time; more wait, at most `reads_max`", f"{FORECASTS_MAX}", "`reader/process.py`"),
    ("imports at one time; each is a process", f"{IMPORTS_MAX}", "`reader/importing.py`"),
    ("one line of an imported file", f"{LINE_BYTES_MAX // 2**20} MiB", "`store/history_file.py`"),
    ("deletable checkpoints named by one answer", f"{reporting.DELETABLE_MAX}", "`search/reporting.py`"),
    ("experiment patterns of an access token", f"{PATTERNS_MAX}", "`wire/access.py`"),
    ("path of `asha sidecar --socket`", f"{PATH_BYTES_MAX} bytes", "`cli/sidecar/socket_service.py`"),
    ("lines of a sidecar's `problems.txt` for one trial", f"{PROBLEMS_MAX}, then one that there are more", "`cli/sidecar/folder.py`"),
    ("reports of an attempt that a repeat is compared with", f"{REMEMBERED_REPORTS}, and all that decided", "`search/trial.py`"),
)  # fmt: skip
"""(what, how much, where it stands): limits that no configuration moves."""


def page() -> str:
    """The page."""
    lines = heading(
        "Limits", "`asha_server/config.py`, the core's constants and `Limits` of the contract"
    )
    lines += [
        "Every size has a limit, and over it a call is refused with the limit in the message, never cut.",
        "Over a limit on one request the answer is `INVALID_ARGUMENT` / `INVALID_REQUEST`, over a total "
        "`RESOURCE_EXHAUSTED`: see [errors](errors.md).",
        "A running server tells its own by [`GetServerInfo`](rpc.md#getserverinfo).",
        "",
        "## Of a server",
        "",
        *table(["limit", "default", "what it bounds"], _configured()),
        "",
        "A request above four times its limit is refused by gRPC itself, which explains less.",
        "",
        "## Of an identity",
        "",
        "The same for everybody by `--limit` or the table `[limits]` of the configuration, another for the "
        "bearer of one token by `asha token create --limit`.",
        "An identity is the bearer of a token; without tokens a client certificate's common name, else the "
        "address that calls, IPv6 by its /64.",
        "Over Unix sockets and the HTTP port, callers without a token are one identity together.",
        "",
        *table(["limit", "default", "what it bounds"], _configured(is_of_identity=True)),
        "",
        "Over it the answer is `RESOURCE_EXHAUSTED` / `QUOTA_EXCEEDED`: `limit`, `most`, `identity` and its `kind` "
        "in the metadata, and in `RetryInfo` when to try again.",
        "A rate tells everybody a turn of their own, a place that is taken a second, and where only deleting "
        "something makes room there is no `RetryInfo`.",
        "Watches, exports and imports have the limits of the server; they count among the calls in flight.",
        "A session whose trials have no place to wait is told what became of them with its next answers.",
        "How to use them: [share a server](../howto/share-a-server.md).",
        "",
        "## Fixed",
        "",
        *table(["what", "limit", "where it stands"], FIXED),
        "",
        "## On the wire",
        "",
        "The same numbers as [`Limits`](rpc.md#limits) of `GetServerInfo` names them; the comments of the "
        "other messages refer to these names.",
        "",
        *table(["field", "meaning"], [[f"`{m.name}`", m.comment] for m in elements()["Limits"].members]),
        "",
        "How many workers and how many trials at one time is a matter of the experiment: "
        "[choose a variant](../howto/choose-a-variant.md).",
    ]  # fmt: skip
    return "\n".join(lines).rstrip() + "\n"


def _configured(*, is_of_identity: bool = False) -> list[list[str]]:
    words = attributes(Limits)
    return [
        [f"`{field.name}`", _amount(field.name, int(str(field.default))), words[field.name]]
        for field in dataclasses.fields(Limits)
        if field.name.startswith(PER_IDENTITY) == is_of_identity
    ]


def _amount(name: str, value: int) -> str:
    """A limit in a person's units, told by its name's ending."""
    if name.startswith(PER_IDENTITY) and not value:
        return "none"
    if name.endswith("_us"):
        seconds = value // SECOND_US
        return f"{seconds // 3600} h" if seconds % 3600 == 0 else f"{seconds} s"
    if name.endswith("bytes_max"):
        for size, unit in _SIZES:
            if value % size == 0:
                return f"{value // size} {unit}"
        return f"{value:,} bytes"
    return f"{value:,}"
