"""A server for clients of other releases: that of the server's own tests."""

from __future__ import annotations

from tests.server.conftest import client, launch

__all__ = ["client", "launch"]
