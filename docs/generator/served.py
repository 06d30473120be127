"""Which calls of the contract this server carries out."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap

from asha_server.service.admin import AdminService
from asha_server.service.experiment import ExperimentService
from asha_server.service.suggestion import SuggestionService

SERVICERS: dict[str, type] = {
    "AdminService": AdminService,
    "ExperimentService": ExperimentService,
    "SuggestionService": SuggestionService,
}


@functools.cache
def is_served(service: str, method: str) -> bool:
    """Whether a call does more than refuse as NOT_IMPLEMENTED."""
    handler = SERVICERS[service].__dict__.get(method)
    if handler is None:
        return False
    (function,) = ast.parse(textwrap.dedent(inspect.getsource(handler))).body
    assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
    return not isinstance(function.body[1], ast.Raise)
