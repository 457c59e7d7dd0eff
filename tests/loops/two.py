"""Two desks that support each other by mistake: what one writes to the other's address is delivered there.

A gateway stands between them and may be rude: it strips what says "I am a machine". Real stores, real bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from mailbridge.clock import VirtualClock
from mailbridge.config import parse_config
from mailbridge.outgoing.notices import Renderer, default_template_dir
from mailbridge.policy.library import load_policy
from mailbridge.store.engine import MEMORY_URL, Store
from mailbridge.store.migrate import upgrade
from mailbridge.work.desk import Desk
from tests.scenarios.site import START, Office

SITE = """
[site]
name = {name} Support
support = support@{name}.example
escalation = up@{name}.example
staff = ann@{name}.example
policy = mekorma
reply_token = {token}
"""
TELLTALE = ("auto-submitted", "precedence", "x-auto-response-suppress", "x-mailbridge-", "x-loop", "list-")
THREADING = ("in-reply-to", "references")


class Two:
    """Both desks and the way between them. rude: "" (all headers pass), "machine" (what tells a machine is
    lost), "all" (threading and the case number, too)."""

    def __init__(self, left: Office, right: Office, rude: str) -> None:
        self.left, self.right, self.rude = left, right, rude
        self.carried = {"left": 0, "right": 0}
        self._seen = {"left": 0, "right": 0}

    def settle(self, rounds: int = 200) -> int:
        """Carry mail to and fro until both are silent; returns how many went over. More rounds than `rounds`
        are an endless conversation."""
        before = sum(self.carried.values())
        for _ in range(rounds):
            self.left.drain()
            self.right.drain()
            if not self._carry("left", self.left, self.right) + self._carry("right", self.right, self.left):
                return sum(self.carried.values()) - before
        raise AssertionError(f"still talking after {rounds} rounds")

    def _carry(self, name: str, source: Office, target: Office) -> int:
        fresh, self._seen[name] = source.sent[self._seen[name] :], len(source.sent)
        own = target.desk.ground.site.own
        count = 0
        for _kind, people, mail in fresh:
            for to in people:
                if to.rpartition("@")[2] in own.domains and "ann@" not in to:
                    sender = "" if self.rude == "" and mail["Auto-Submitted"] else str(mail["From"])
                    target.raw(self._through(mail), (to,), sender.rpartition("<")[2].rstrip(">"))
                    count += 1
        self.carried[name] += count
        return count

    def _through(self, mail: Message) -> bytes:
        copy = message_from_bytes(mail.as_bytes())
        lost = {"": (), "machine": TELLTALE, "all": (*TELLTALE, *THREADING)}[self.rude]
        for field in [key for key in copy if key.lower().startswith(lost)] if lost else []:
            del copy[field]
        if self.rude == "all":
            count = sum(self.carried.values())
            subject = " ".join(str(copy["Subject"]).split()).partition("[#")[0]
            for field, value in (("Subject", subject), ("Message-ID", f"<g{count}@gateway.example>")):
                del copy[field]
                copy[field] = value
            del copy["Reply-To"]
        return copy.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


@contextmanager
def two(rude: str = "", token: str = "plus") -> Iterator[Two]:
    """Two desks on stores of their own and one clock."""
    with ExitStack() as stack:
        clock = VirtualClock(START)
        offices = []
        for name in ("left", "right"):
            store = Store(MEMORY_URL)
            stack.callback(store.close)
            upgrade(store)
            config = parse_config(SITE.format(name=name, token=token), name, Path("/"))
            renderer = Renderer([default_template_dir()])
            offices.append(Office(Desk(config, store, load_policy("mekorma"), renderer, clock), clock))
        yield Two(*offices, rude)
