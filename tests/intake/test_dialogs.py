"""Each SMTP reply and each trap, as a dialog with the real server on loopback; see tests/dialogs."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from mailbridge.intake.tls import Certificate
from tests.intake.dialog import Dialog

SCRIPTS = sorted((Path(__file__).parent.parent / "dialogs").glob("*.txt"))


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_dialog(script: Path, authority: trustme.CA, tmp_path: Path) -> None:
    pem = tmp_path / "both.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(pem))
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    asyncio.run(Dialog(script, Certificate(pem), trust).run())


def test_a_login_leaves_no_warning(
    authority: trustme.CA, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """aiosmtpd warns of its own deprecated attribute at each login; an admin would look for a cause."""
    pem = tmp_path / "both.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(pem))
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    script = next(script for script in SCRIPTS if script.stem == "login")
    asyncio.run(Dialog(script, Certificate(pem), trust).run())
    warned = [record for record in caplog.records if record.name == "mail.log" and record.levelno >= 30]
    assert [record.getMessage() for record in warned] == []
