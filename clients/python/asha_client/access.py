"""What lets a client in: an access token and certificates, given or from the environment."""

from __future__ import annotations

import os
from pathlib import Path

import grpc

from asha_client.errors import AccessDenied

FilePath = str | os.PathLike[str]


def find_token(token: str | None) -> str | None:
    """The token: as given, else ASHA_TOKEN, else what the file ASHA_TOKEN_FILE holds, else none.

    Raises:
        AccessDenied: the file cannot be read or is empty.
    """
    path = os.environ.get("ASHA_TOKEN_FILE")
    found = token or os.environ.get("ASHA_TOKEN")
    if found or not path:
        return found or None
    return read_token(path)


def read_token(path: FilePath) -> str:
    """The token that a file holds.

    Raises:
        AccessDenied: it cannot be read or is empty.
    """
    token = _read(path).decode("ascii", errors="replace").strip()
    if not token:
        raise AccessDenied(f"the token file {path} is empty")
    return token


def find_credentials(
    root_certificates: FilePath | None,
    client_certificate: FilePath | None,
    client_key: FilePath | None,
) -> grpc.ChannelCredentials | None:
    """TLS by PEM files, as given or by the environment; None, plaintext, where none is named.

    Args:
        root_certificates: who signs the server's certificate; else ASHA_ROOT_CERTIFICATES.
        client_certificate: for mutual TLS; else ASHA_CLIENT_CERTIFICATE.
        client_key: of the client's certificate; else ASHA_CLIENT_KEY.

    Raises:
        AccessDenied: a file cannot be read, or one of certificate and key is missing.
    """
    roots = root_certificates or os.environ.get("ASHA_ROOT_CERTIFICATES")
    certificate = client_certificate or os.environ.get("ASHA_CLIENT_CERTIFICATE")
    key = client_key or os.environ.get("ASHA_CLIENT_KEY")
    if bool(certificate) != bool(key):
        raise AccessDenied("client certificate and client key are given together, or neither")
    if not (roots or certificate):
        return None
    return grpc.ssl_channel_credentials(
        root_certificates=_read(roots) if roots else None,
        private_key=_read(key) if key else None,
        certificate_chain=_read(certificate) if certificate else None,
    )


def _read(path: FilePath) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise AccessDenied(f"{path} cannot be read: {error.strerror or error}") from error
