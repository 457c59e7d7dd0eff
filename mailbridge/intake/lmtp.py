"""LMTP (RFC 2033): what a mail server on the same machine hands over.

Promises: as SMTP, and after DATA one reply for each recipient that was accepted, in order (section 4.2).
aiosmtpd's own LMTP class sends one in all, which desynchronises a Postfix client with two recipients.
"""

# ruff: noqa: N802, ARG002 - names and arguments are aiosmtpd's
from __future__ import annotations

from mailbridge.intake.smtp import SmtpConnection


class LmtpConnection(SmtpConnection):
    """One LMTP connection."""

    lmtp = True

    async def smtp_LHLO(self, arg: str | None) -> None:
        """The greeting of LMTP, otherwise EHLO."""
        await super().smtp_EHLO(arg)

    async def smtp_HELO(self, arg: str | None) -> None:
        await self.push("500 5.5.1 This is LMTP: use LHLO")

    async def smtp_EHLO(self, arg: str | None) -> None:
        await self.push("500 5.5.1 This is LMTP: use LHLO")
