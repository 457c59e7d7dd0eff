"""The certificate for STARTTLS, and how it is renewed without a restart.

Promises: `context` is always a working server context; `reload` replaces it whole, for the connections that
start TLS from then on. Fails by errors.ConfigInvalid, naming the file; a failed reload keeps the one in use.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from mailbridge.errors import ConfigInvalid, Problem


class Certificate:
    """A certificate chain and its key, in PEM files."""

    def __init__(self, certificate_file: Path, key_file: Path | None = None) -> None:
        """key_file None: the key stands in the certificate's file. Raises errors.ConfigInvalid."""
        self._certificate_file = certificate_file
        self._key_file = key_file
        self._context = self._load()

    @property
    def context(self) -> ssl.SSLContext:
        """The context for the next handshake."""
        return self._context

    def reload(self) -> None:
        """Read the files again. Raises errors.ConfigInvalid, and the old certificate stays in use."""
        self._context = self._load()

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            # An encrypted key must not stop the daemon at a prompt: the empty password makes it fail instead.
            context.load_cert_chain(self._certificate_file, self._key_file, password="")
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or str(error)
            problem = Problem(
                str(self._certificate_file), "", "", f"certificate and key cannot be loaded: {reason}"
            )
            raise ConfigInvalid([problem]) from error
        return context
