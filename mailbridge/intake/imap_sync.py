"""One look into an IMAP mailbox: take what is new, in order, and then tidy up behind it.

Promises: messages and the cursor go into the store in one transaction, so that a crash anywhere repeats a
batch (harmless, by digest) and skips nothing; memory is bounded by batch_bytes, whatever the mailbox holds.
Flag, move and delete come after the commit and may be repeated: a second cursor, NAME#done, tells how far
they got. A third, NAME#first, is the highest UID that was there at the first run (or when UIDVALIDITY
changed): older mail up to it is taken with Envelope.answer False. \\Seen is never touched or believed: people
read mail too.
Fails: store errors and imaplib's errors come out as they are, with the cursor where it was.

Traps: fetch strings like "n:*" raise in IMAPClient 4.1 after the round trip, a generator gives {} silently,
so: lists of ints; "UID n:*" answers with an older message; an answer over 1,000,000 bytes kills imaplib, so:
windows of UIDs; a MOVE of one costs as much as a MOVE of hundreds.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from mailbridge.clock import Clock
from mailbridge.intake.imap_config import Mailbox
from mailbridge.intake.ports import Cursor, Inbox
from mailbridge.model.envelope import Envelope, Way

log = logging.getLogger("mailbridge.intake.imap")

_WINDOW = 50_000  # UIDs: 550,000 bytes of answer at most
_WINDOW_MOST = 80_000
_UID_MOST = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Size:
    """What is known of a message before it is fetched."""

    uid: int
    size_bytes: int
    arrived_at: datetime | None


class Sync:
    """Looks into one mailbox over one connection. Not for two threads."""

    def __init__(self, client: IMAPClient, mailbox: Mailbox, inbox: Inbox, clock: Clock) -> None:
        self._client = client
        self._mailbox = mailbox
        self._inbox = inbox
        self._clock = clock
        self._keywords = False

    def look(self) -> int:
        """Take everything that is new; how many messages were stored. Then note the poll."""
        selected = self._client.select_folder(self._mailbox.folder)
        validity, exists = int(selected[b"UIDVALIDITY"]), int(selected.get(b"EXISTS", 0))
        flags = selected.get(b"PERMANENTFLAGS", ())
        self._keywords = b"\\*" in flags or self._mailbox.flag.encode() in flags
        top = self._top(selected)
        cursor, guard = self._start(validity, top)
        self._tidy(validity, cursor.last_uid)
        taken = 0
        for uids in self._windows(cursor.last_uid, top, exists):
            for batch in self._batches(uids):
                taken += self._take(batch, validity, guard)
            self._advance(validity, uids)
        self._inbox.note_poll(self._mailbox.name, self._clock.now())
        return taken

    # --- where to begin

    def _top(self, selected: dict[bytes, Any]) -> int:
        """The highest UID that can be there now."""
        following = selected.get(b"UIDNEXT")
        return int(following) - 1 if following else _UID_MOST

    def _start(self, validity: int, top: int) -> tuple[Cursor, int]:
        """The cursor, and the highest UID under the age guard; both made anew where UIDs mean nothing yet."""
        name = self._mailbox.name
        cursor = self._inbox.cursor(name)
        if cursor is not None and cursor.uidvalidity == validity:
            first = self._inbox.cursor(f"{name}#first")
            return cursor, first.last_uid if first and first.uidvalidity == validity else 0
        if cursor is not None:
            log.warning("uidvalidity_changed mailbox=%s old=%d new=%d", name, cursor.uidvalidity, validity)
        begin = 0 if cursor is not None or self._mailbox.first == "all" else self._last_there(top)
        # The mailbox's own cursor last: a crash before it begins the first run again.
        for suffix, uid in (("#first", top), ("#done", begin), ("", begin)):
            self._inbox.put_batch([], Cursor(name + suffix, validity, uid))
        return Cursor(name, validity, begin), top

    def _last_there(self, top: int) -> int:
        """The highest UID in the mailbox: UIDNEXT tells it, else a search (whose answer may be older)."""
        return top if top < _UID_MOST else max(self._client.search(["UID", "*"]), default=0)

    def _windows(self, last: int, top: int, exists: int) -> Iterator[list[int]]:
        """UIDs above last, ascending, each answer short enough for imaplib."""
        window = top - last if exists <= _WINDOW else _WINDOW
        while last < top:
            end = min(top, last + window)
            found = sorted(uid for uid in self._client.search(["UID", f"{last + 1}:{end}"]) if uid > last)
            if found:
                yield found
            elif window < _WINDOW_MOST:
                window = _WINDOW_MOST
            last = end

    # --- taking

    def _batches(self, uids: Sequence[int]) -> Iterator[list[Size]]:
        """Groups of at most batch_messages and batch_bytes; sizes are asked first."""
        most = self._mailbox.batch_messages
        for start in range(0, len(uids), most):
            group: list[Size] = []
            for item in self._sizes(list(uids[start : start + most])):
                total = sum(size.size_bytes for size in group) + item.size_bytes
                if group and total > self._mailbox.batch_bytes:
                    yield group
                    group = []
                group.append(item)
            if group:
                yield group

    def _sizes(self, uids: list[int]) -> list[Size]:
        answer = self._client.fetch(uids, ["RFC822.SIZE", "INTERNALDATE"])
        return [_size(uid, answer[uid]) for uid in uids if uid in answer]

    def _take(self, batch: list[Size], validity: int, guard: int) -> int:
        """Fetch and store one batch with the cursor behind it, then tidy."""
        items = []
        for size, raw, cut in self._fetch(batch):
            items.append((self._envelope(size, validity, guard, cut), raw))
        last = batch[-1].uid
        stored = self._inbox.put_batch(items, Cursor(self._mailbox.name, validity, last))
        fresh = sum(not one.duplicate for one in stored)
        log.info(
            "imap_stored mailbox=%s messages=%d new=%d uid=%d", self._mailbox.name, len(items), fresh, last
        )
        self._tidy(validity, last)
        return len(items)

    def _advance(self, validity: int, uids: list[int]) -> None:
        """Put the cursor behind a window whose last messages went away before they were fetched."""
        cursor = self._inbox.cursor(self._mailbox.name)
        if cursor is not None and cursor.last_uid < uids[-1]:
            self._inbox.put_batch([], Cursor(self._mailbox.name, validity, uids[-1]))

    def _fetch(self, batch: list[Size]) -> Iterator[tuple[Size, bytes, bool]]:
        """The messages of a batch: small ones together, a big one alone in pieces. Flag: it was cut."""
        small = [size.uid for size in batch if size.size_bytes <= self._mailbox.piece_bytes]
        answer = self._client.fetch(small, ["BODY.PEEK[]"]) if small else {}
        for size in batch:
            raw = answer.get(size.uid, {}).get(b"BODY[]")
            if raw is not None:
                yield size, raw, False
                continue
            raw, cut = self._pieces(size)
            if raw is None:
                log.warning("imap_gone mailbox=%s uid=%d", self._mailbox.name, size.uid)
            else:
                yield size, raw, cut

    def _pieces(self, size: Size) -> tuple[bytes | None, bool]:
        """One message in pieces, up to size_limit_bytes; None where it went away (sizes may be estimates)."""
        whole, piece = bytearray(), self._mailbox.piece_bytes
        limit = self._mailbox.size_limit_bytes
        while len(whole) < limit:
            answer = self._client.fetch([size.uid], [f"BODY.PEEK[]<{len(whole)}.{piece}>"])
            if size.uid not in answer:
                return None, False
            part = answer[size.uid].get(f"BODY[]<{len(whole)}>".encode())
            if part is None:
                return bytes(whole) or self._unreadable(size), bool(whole)
            whole += part
            if len(part) < piece:
                return bytes(whole), False
        cut = len(whole) > limit or size.size_bytes > limit
        if cut:
            log.error(
                "imap_cut mailbox=%s uid=%d size_bytes=%d", self._mailbox.name, size.uid, size.size_bytes
            )
        return bytes(whole[:limit]), cut

    def _unreadable(self, size: Size) -> bytes:
        """What stands in for a message that is there and that the server does not give out: it is told."""
        log.error("imap_unreadable mailbox=%s uid=%d", self._mailbox.name, size.uid)
        return (
            f"From: mailbridge <mailbridge@localhost.invalid>\r\nAuto-Submitted: auto-generated\r\n"
            f"Subject: A message in mailbox {self._mailbox.name} cannot be read\r\n\r\n"
            f"The server does not give out the message with UID {size.uid} ({size.size_bytes} octets).\r\n"
            f"It is still in the mailbox; please look at it there.\r\n"
        ).encode()

    def _envelope(self, size: Size, validity: int, guard: int, cut: bool) -> Envelope:
        now = self._clock.now()
        late = (
            size.arrived_at is None or (now - size.arrived_at).total_seconds() > self._mailbox.answer_within_s
        )
        return Envelope(
            way=Way.IMAP,
            mail_from=None,
            rcpt_to=(self._mailbox.address,),
            received_at=now,
            peer=self._mailbox.host,
            source=f"{self._mailbox.name}:{validity}:{size.uid}" + (":cut" if cut else ""),
            answer=not (size.uid <= guard and late),
        )

    # --- tidying up

    def _tidy(self, validity: int, last: int) -> None:
        """Flag, move or delete what is stored and not yet tidied: UIDs from NAME#done to last."""
        name = f"{self._mailbox.name}#done"
        done = self._inbox.cursor(name)
        begin = done.last_uid if done is not None and done.uidvalidity == validity else last
        if self._mailbox.after == "leave" or begin >= last:
            return
        uids = self._client.search(self._untidied(begin, last))
        most = self._mailbox.batch_messages
        for start in range(0, len(uids), most):
            self._tidy_some(list(uids[start : start + most]))
        self._inbox.put_batch([], Cursor(name, validity, last))

    def _untidied(self, begin: int, last: int) -> list[str]:
        # What was cut is only whole in the mailbox: it stays.
        there = [
            "UID",
            f"{begin + 1}:{last}",
            "UNDELETED",
            "SMALLER",
            str(self._mailbox.size_limit_bytes + 1),
        ]
        return [*there, "UNKEYWORD", self._mailbox.flag] if self._mailbox.after == "flag" else there

    def _tidy_some(self, uids: list[int]) -> None:
        if self._mailbox.after == "flag":
            if self._keywords:
                self._client.add_flags(uids, [self._mailbox.flag.encode()], silent=True)
        elif self._mailbox.after == "move":
            self._move(uids)
        else:
            self._remove(uids)

    def _move(self, uids: list[int]) -> None:
        """MOVE (RFC 6851) where there is one; else COPY and remove, which a crash may do twice."""
        if self._client.has_capability("MOVE"):
            self._made(lambda: self._client.move(uids, self._mailbox.move_to))
            return
        self._made(lambda: self._client.copy(uids, self._mailbox.move_to))
        self._remove(uids)

    def _made(self, action: Any) -> None:
        """Do it; where the folder is missing, make it and do it again."""
        try:
            action()
        except IMAPClientError:
            if self._client.folder_exists(self._mailbox.move_to):
                raise
            self._client.create_folder(self._mailbox.move_to)
            action()

    def _remove(self, uids: list[int]) -> None:
        """Mark as deleted; expunge these alone (UIDPLUS): a plain EXPUNGE deletes other people's mail."""
        self._client.delete_messages(uids, silent=True)
        if self._client.has_capability("UIDPLUS"):
            self._client.uid_expunge(uids)


def _size(uid: int, data: dict[bytes, Any]) -> Size:
    arrived = data.get(b"INTERNALDATE")
    if isinstance(arrived, datetime) and arrived.tzinfo is None:
        arrived = arrived.replace(tzinfo=UTC)
    return Size(uid, int(data.get(b"RFC822.SIZE") or 0), arrived if isinstance(arrived, datetime) else None)
