"""A message as the rules see it: what most of them ask for is prepared once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from mailbridge.mail.words import fold_key
from mailbridge.model.envelope import Envelope
from mailbridge.model.message import ParsedMessage
from mailbridge.model.own import Own


@dataclass(frozen=True, slots=True)
class Look:
    """A message as the rules see it: with its subject and top of text folded once."""

    message: ParsedMessage
    envelope: Envelope
    site: Own
    subject: str = field(default="")
    top: str = field(default="")
    fresh: str = field(default="")  # of the new text alone: what is quoted was said by somebody else
    automatic: str = field(default="")  # Auto-Submitted's keyword, "" for "no" and absent
    comment: str = field(default="")  # and what stands behind it

    def has(self, *names: str) -> str:
        """The first of the fields that is there."""
        return next((name for name in names if name in self.message.headers), "")

    def value(self, name: str) -> str:
        return self.message.headers.get(name).strip()

    @property
    def answers_us(self) -> bool:
        """Refers to a message of ours: by the store's word, or by an id in one of our domains."""
        ids = (*self.message.in_reply_to, *self.message.references)
        return self.site.own_message or any(
            one.rpartition("@")[2].rstrip(">").lower() in self.site.domains for one in ids
        )

    @property
    def answers(self) -> bool:
        return bool(self.message.in_reply_to or self.message.references) or self.answers_us

    @property
    def null_sender(self) -> bool:
        """No return path: by the envelope where the transport tells it, else by the header."""
        sender = self.envelope.mail_from
        if sender is not None:
            return sender.strip("<> ") == ""
        # sendmail writes the null path of a report that it delivers itself as a name without a domain
        return (self.message.return_path or "").lower() in ("", "mailer-daemon") and (
            self.message.return_path is not None
        )

    @property
    def from_own(self) -> bool:
        return any(
            without_plus(one.key) in self.site.addresses or one.key in self.site.addresses
            for one in self.message.from_
        )


def without_plus(address: str) -> str:
    local, at, domain = address.partition("@")
    return local.split("+")[0] + at + domain


def look_at(message: ParsedMessage, envelope: Envelope, site: Own) -> Look:
    """Prepare a message for the rules."""
    word = message.headers.get("auto-submitted").strip().lower()
    keyword = re.split(r"[;(\s]", word, maxsplit=1)[0].strip("\"'")
    return Look(
        message, envelope, site, fold_key(message.subject[:500]), fold_key(message.text[:3000]),
        fold_key((message.new_text.strip() or message.text)[:2000]),
        "" if keyword in ("no", "") else keyword, word[len(keyword) :],
    )  # fmt: skip
