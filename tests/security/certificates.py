"""Certificates for tests: authorities, and files that a server or a client is given."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import NamedTuple

import trustme


class Pair(NamedTuple):
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path


class Authority:
    """Who signs certificates.

    Args:
        directory: of the files that it writes.
    """

    def __init__(self, directory: Path) -> None:
        self._ca = trustme.CA()
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.roots = directory / "ca.pem"
        self._ca.cert_pem.write_to_path(self.roots)

    def issue(
        self, name: str, *hosts: str, common_name: str = "", is_expired: bool = False
    ) -> Pair:
        """A certificate for some hosts, in files of a name."""
        now = datetime.datetime.now(datetime.UTC)
        made = self._ca.issue_cert(
            *(hosts or ("localhost", "127.0.0.1")),
            common_name=common_name or None,
            not_before=now - datetime.timedelta(days=2),
            not_after=now + datetime.timedelta(days=-1 if is_expired else 1),
        )
        pair = Pair(self._directory / f"{name}.pem", self._directory / f"{name}.key")
        made.private_key_pem.write_to_path(pair.key)
        pair.certificate.write_bytes(b"".join(part.bytes() for part in made.cert_chain_pems))
        return pair
