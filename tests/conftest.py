"""Fixtures for all tests: real servers, each in its own folder, started only where a test asks for one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.dovecot import Dovecot
from tests.servers.dovecot import dovecot as run_dovecot
from tests.servers.postgresql import postgresql


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    """An IMAP server with an empty mailbox, without TLS."""
    with run_dovecot() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The URL of a database server that lives as long as the test run; tests share its database."""
    with postgresql() as url:
        yield url
