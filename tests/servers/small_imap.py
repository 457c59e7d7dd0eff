"""An IMAP server of one mailbox in memory, for what a real one does by chance: what it can is chosen, and
things happen at an exact point of the dialog. What it does not know it refuses with BAD.
"""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class SmallImap:
    """The mailbox and what the server is told to do. at: called once, before the answer to that command."""

    capabilities: str = "IMAP4rev1"
    messages: dict[int, bytes] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    folders: dict[str, list[bytes]] = field(default_factory=dict)
    at: dict[str, Callable[[], None]] = field(default_factory=dict)
    token: str = ""
    commands: list[str] = field(default_factory=list)
    port: int = 0
    told: int = 0

    def put(self, raw: bytes) -> None:
        """One more message in the mailbox; a client hears of it with the next answer."""
        self.messages[max(self.messages, default=0) + 1] = raw


class _Session(socketserver.StreamRequestHandler):
    """One connection."""

    server: _Server

    def handle(self) -> None:
        self.say("* OK ready")
        while line := self.rfile.readline().decode().strip():
            tag, _, rest = line.partition(" ")
            name, _, args = rest.partition(" ")
            if name.upper() == "UID":
                verb, _, args = args.partition(" ")
                name = f"UID_{verb}"
            imap = self.server.imap
            imap.commands.append(name.upper())
            action = getattr(self, f"do_{name.lower()}", None)
            if action is None:
                self.say(f"{tag} BAD unknown command")
                continue
            answer = action(args) or "OK done"
            if happening := imap.at.pop(name.upper(), None):
                happening()
            self.say(*self.news(name), f"{tag} {answer}")

    def news(self, name: str) -> list[str]:
        """EXISTS, once for each change, as the RFC 3501 allows with any answer."""
        imap = self.server.imap
        if imap.told == len(imap.messages) or name.upper() in ("LOGIN", "CAPABILITY"):
            return []
        imap.told = len(imap.messages)
        return [f"* {imap.told} EXISTS"]

    def say(self, *lines: str) -> None:
        """In one write: one segment."""
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

    def do_capability(self, _: str) -> None:
        self.say(f"* CAPABILITY {self.server.imap.capabilities}")

    def do_login(self, _: str) -> None:
        pass

    def do_authenticate(self, _: str) -> str:
        self.say("+ ")
        answer = self.rfile.readline().decode().strip()
        if answer == self.server.imap.token:
            return "OK in"
        self.say("+ eyJzdGF0dXMiOiI0MDAifQ==")  # RFC 7628 section 3.2.2: the reason; the client answers it
        self.rfile.readline()
        return "NO refused"

    def do_select(self, _: str) -> None:
        imap = self.server.imap
        imap.told = len(imap.messages)
        following = max(imap.messages, default=0) + 1
        self.say(f"* {imap.told} EXISTS", f"* OK [UIDNEXT {following}]", "* OK [UIDVALIDITY 7]")

    def do_uid_search(self, args: str) -> None:
        first, last = map(int, re.findall(r"(\d+):(\d+)", args)[0])
        found = [str(uid) for uid in self.server.imap.messages if first <= uid <= last]
        self.say(" ".join(["* SEARCH", *found]))

    def do_uid_fetch(self, args: str) -> None:
        wanted = {int(uid) for part in args.split(" ")[0].split(",") for uid in _span(part)}
        for number, (uid, raw) in enumerate(sorted(self.server.imap.messages.items()), 1):
            if uid not in wanted:
                continue
            if "BODY" in args:
                self.say(f"* {number} FETCH (UID {uid} BODY[] {{{len(raw)}}}")
                self.wfile.write(raw)
                self.say(")")
            else:
                date = '"23-Nov-2026 12:00:00 +0000"'
                self.say(f"* {number} FETCH (UID {uid} RFC822.SIZE {len(raw)} INTERNALDATE {date})")

    def do_uid_store(self, args: str) -> None:
        if "\\Deleted" in args:
            self.server.imap.deleted |= {uid for part in args.split(" ")[0].split(",") for uid in _span(part)}

    def do_uid_copy(self, args: str) -> str:
        uids, folder = args.replace('"', "").split(" ", 1)
        imap = self.server.imap
        if folder not in imap.folders:
            return "NO [TRYCREATE] no such folder"
        imap.folders[folder] += [imap.messages[uid] for part in uids.split(",") for uid in _span(part)]
        return ""

    def do_uid_expunge(self, args: str) -> str:
        if "UIDPLUS" not in self.server.imap.capabilities:
            return "BAD no UIDPLUS"
        for uid in {uid for part in args.split(",") for uid in _span(part)} & self.server.imap.deleted:
            del self.server.imap.messages[uid]
        return ""

    def do_list(self, _: str) -> None:
        for folder in self.server.imap.folders:
            self.say(f'* LIST () "." "{folder}"')

    def do_create(self, args: str) -> None:
        self.server.imap.folders[args.replace('"', "")] = []

    def do_idle(self, _: str) -> str:
        """The news in one segment with the continuation: a client's poll on the socket never fires for it."""
        if happening := self.server.imap.at.pop("IDLE+", None):
            happening()
        self.say("+ idling", *self.news("IDLE"))
        while self.rfile.readline().decode().strip().upper() not in ("DONE", ""):
            pass
        return "OK idled"


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, imap: SmallImap) -> None:
        self.imap = imap
        super().__init__(("127.0.0.1", 0), _Session)


@contextmanager
def small_imap(imap: SmallImap) -> Iterator[SmallImap]:
    """Serve it on a free loopback port until the block ends."""
    with _Server(imap) as server:
        imap.port = int(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield imap
        finally:
            server.shutdown()
            thread.join(10)


def _span(part: str) -> range:
    first, _, last = part.partition(":")
    return range(int(first), int(last or first) + 1)
