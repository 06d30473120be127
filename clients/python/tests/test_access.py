"""Tokens and certificates of a client: from arguments, variables and files."""

from __future__ import annotations

from pathlib import Path

import pytest

import asha_client as asha
from asha_client.access import find_credentials, find_token

VARIABLES = (
    "ASHA_TOKEN",
    "ASHA_TOKEN_FILE",
    "ASHA_ROOT_CERTIFICATES",
    "ASHA_CLIENT_CERTIFICATE",
    "ASHA_CLIENT_KEY",
)


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_a_token_goes_before_its_variable_and_that_before_its_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(" from-file\n")
    assert find_token(None) is None

    monkeypatch.setenv("ASHA_TOKEN_FILE", str(file))
    assert find_token(None) == "from-file"
    monkeypatch.setenv("ASHA_TOKEN", "from-variable")
    assert find_token(None) == "from-variable"
    assert find_token("given") == "given"


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_a_token_file_that_holds_none_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("ASHA_TOKEN_FILE", str(file))

    with pytest.raises(asha.AccessDenied, match=str(file)):
        asha.connect("localhost:1")


def test_without_certificates_a_client_speaks_plaintext() -> None:
    assert find_credentials(None, None, None) is None


def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(asha.AccessDenied, match="together"):
        asha.connect("localhost:1", client_certificate=tmp_path / "c.pem")
    with pytest.raises(asha.AccessDenied, match="together"):
        asha.connect("localhost:1", client_key=tmp_path / "c.key")


def test_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(asha.AccessDenied, match=r"ca\.pem cannot be read"):
        asha.connect("localhost:1", root_certificates=tmp_path / "ca.pem")
