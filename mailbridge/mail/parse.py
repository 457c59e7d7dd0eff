"""Raw bytes of a message to ParsedMessage: the one way in which mailbridge reads mail.

parse() promises to return for any bytes, in bounded time, text without NUL or lone surrogates and without
invented replacement characters; what was repaired, guessed or cut stands in defects. The raw bytes stay the
truth: nothing here writes them. A message beyond all reading still gives a ParsedMessage with its bytes as
text.

The standard library (compat32) reads header blocks; the tree is walked by mail.tree and mail.leaves;
mail-parser reads addresses and Received fields, guarded, within the limits (not bodies: it flattens
attached messages and loses sound without a name).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from mailparser.utils import parse_received

from mailbridge.errors import NotFound
from mailbridge.mail.addresses import read_addresses, read_id, read_ids
from mailbridge.mail.body import Readable, readable
from mailbridge.mail.bounce import read_bounce, report_fields
from mailbridge.mail.charset import decode
from mailbridge.mail.filetypes import danger, safe_name, sniff
from mailbridge.mail.leaves import Leaf, Reading, join_segments, read_leaves
from mailbridge.mail.limits import DEFAULTS, Limits
from mailbridge.mail.tree import Part, build
from mailbridge.mail.words import header_text
from mailbridge.model.message import Address, Attachment, Headers, Hop, ParsedMessage

_METHOD = re.compile(rb"^METHOD[^:\r\n]{0,40}:[ \t]*([A-Za-z-]{3,20})", re.M | re.I)
_BY = re.compile(r"\bby\s+\[?([A-Za-z0-9._:-]{2,255})", re.I)
_FROM = re.compile(r"^\s*from\s+\[?([A-Za-z0-9._:-]{2,255})", re.I)
_HOPS = 60


def parse(raw: bytes, limits: Limits = DEFAULTS) -> ParsedMessage:
    """Read one message. Never raises."""
    try:
        root, defects = build(raw, limits)
        return _message(root, defects, limits, originals=True)
    except Exception as error:  # noqa: BLE001 - the promise; the raw message is kept and can be read again
        text = decode(raw[:100_000])[0]
        return ParsedMessage(text=text, new_text=text, defects=(f"beyond reading: {type(error).__name__}",))


def part_bytes(raw: bytes, part: str, limits: Limits = DEFAULTS) -> bytes:
    """The decoded bytes of one part, by the path that Attachment.part names. Raises NotFound."""
    root, _ = build(raw, limits)
    for leaf in _all_leaves(root, limits):
        if leaf.path == part:
            return leaf.data()
    for node in root.walk():
        if node.path == part and not node.children:
            return node.decoded()
    raise NotFound(f"the message has no part {part!r}")


def _all_leaves(root: Part, limits: Limits) -> Iterator[Leaf]:
    reading = read_leaves(root, limits)
    yield from reading.leaves
    for _, inner in reading.messages:
        yield from read_leaves(inner, limits).leaves


def _message(root: Part, defects: list[str], limits: Limits, *, originals: bool) -> ParsedMessage:
    head = root.head
    content_type, report_type = root.content_type, root.word("report-type").lower()
    reading = read_leaves(root, limits)
    for defect in defects:
        reading.note(defect)
    subject = header_text(head.get("subject", ""))[:2000]
    plain, html = join_segments(reading.segments)
    method, summary = _calendar(reading)
    answered = read_ids(head.get_all("in-reply-to", []), limits.references)
    named = read_ids(head.get_all("references", []), limits.references)
    body = plain or ("" if html else summary)
    seen = readable(body, html, subject=subject, answering=bool(answered or named))
    headers = _headers(root)
    sender = read_addresses(head.get_all("sender", []), limits)
    return ParsedMessage(
        message_id=read_id(head.get_all("message-id", [])),
        in_reply_to=answered,
        references=named,
        thread_index=header_text(head.get("thread-index", ""))[:1000].replace(" ", ""),
        subject=subject,
        from_=_from(head.get_all("from", []), reading, limits),
        sender=sender[0] if sender else None,
        reply_to=read_addresses(head.get_all("reply-to", []), limits),
        to=read_addresses(head.get_all("to", []), limits),
        cc=read_addresses(head.get_all("cc", []), limits),
        delivered_to=_delivered_to(headers),
        return_path=_return_path(headers),
        date=_date(head.get("date")),
        content_type=content_type,
        report_type=report_type,
        headers=headers,
        text=seen.text,
        new_text=seen.new_text,
        html=seen.html,
        language=seen.language,
        attachments=_attachments(reading, limits),
        originals=tuple(_message(inner, [], limits, originals=False) for _, inner in reading.messages)
        if originals
        else (),
        forwarded_from=seen.forwarded_from,
        forwarded_subject=seen.forwarded_subject,
        forwarded_text=seen.forwarded_text,
        calendar_method=method,
        protection=tuple(reading.protection),
        bounce=read_bounce(root, headers, plain or seen.text, reading) if originals else None,
        hops=tuple(_hop(value) for value in headers.get_all("received")[:_HOPS]),
        message_class=reading.message_class,
        report_fields=report_fields(reading),
        defects=tuple(reading.defects),
    )


def _from(values: Sequence[object], reading: Reading, limits: Limits) -> tuple[Address, ...]:
    if len(values) > 1:
        reading.note("more than one From field")
    return read_addresses(values, limits)


def _headers(root: Part) -> Headers:
    return Headers(tuple((name, header_text(value)) for name, value in root.head.raw_items() if name))


def _delivered_to(headers: Headers) -> tuple[str, ...]:
    names = (
        "delivered-to",
        "x-original-to",
        "envelope-to",
        "x-envelope-to",
        "x-delivered-to",
        "x-forwarded-to",
    )
    values = [value for name in names for value in headers.get_all(name)]
    return tuple(dict.fromkeys(value.strip("<> ")[:320] for value in values if value.strip("<> ")))[:50]


def _return_path(headers: Headers) -> str | None:
    if "return-path" not in headers:
        return None
    value = headers.get("return-path")
    hit = re.search(r"<([^<>]*)>", value)
    return (hit[1] if hit else value).strip()[:320]


def _date(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        found = parsedate_to_datetime(header_text(value)[:200])
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError, AttributeError):
        return None


def _hop(value: str) -> Hop:
    """One Received field, by mail-parser; by two patterns where it refuses (one in ten real fields)."""
    value = value[:4000]
    clauses: dict[str, str] = {}
    if "(" * 8 not in value and value.isascii():
        try:
            clauses = parse_received(value)
        except Exception:  # noqa: BLE001 - a third-party parser on hostile input
            clauses = {}
    by, from_ = clauses.get("by") or _first(_BY, value), clauses.get("from") or _first(_FROM, value)
    return Hop(_host(by), _host(from_), str(clauses.get("for", "")).strip("<> ;")[:320].lower())


def _first(pattern: re.Pattern[str], value: str) -> str:
    hit = pattern.search(value)
    return hit[1] if hit else ""


def _host(value: object) -> str:
    words = str(value).split()
    return words[0].strip("[]();.,").lower()[:255] if words else ""


def _calendar(reading: Reading) -> tuple[str, str]:
    """(iTIP method, words of the event) of the first calendar part."""
    for part in reading.calendars:
        data = part.decoded()[:65536]
        method = part.word("method").upper()
        if not method:
            hit = _METHOD.search(data)
            method = hit[1].decode("ascii").upper() if hit else ""
        return method[:20], _event_words(decode(data, part.word("charset") or "utf-8")[0])
    return "", ""


def _event_words(text: str) -> str:
    text = re.sub(r"\r?\n[ \t]", "", text)
    words = []
    for name in ("SUMMARY", "LOCATION", "DESCRIPTION"):
        hit = re.search(rf"^{name}(?:;[^:\r\n]{{0,200}})?:(.+)$", text, re.M)
        if hit:
            words.append(
                hit[1]
                .strip()
                .replace("\\n", "\n")
                .replace("\\N", "\n")
                .replace("\\,", ",")
                .replace("\\;", ";")
            )
    return "\n".join(words)


def _attachments(reading: Reading, limits: Limits) -> tuple[Attachment, ...]:
    room = limits.attachment_bytes
    made = []
    for leaf in reading.leaves:
        data = leaf.data()
        if len(data) > room:
            reading.note("attachments cut")
            break
        room -= len(data)
        made.append(_attachment(leaf, data))
    return tuple(made)


def _attachment(leaf: Leaf, data: bytes) -> Attachment:
    name, sniffed = safe_name(leaf.raw_name, leaf.content_type, leaf.path), sniff(data)
    return Attachment(
        part=leaf.path,
        filename=name,
        content_type=leaf.content_type,
        sniffed_type=sniffed,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        content_id=leaf.cid,
        inline=leaf.inline,
        dangerous=danger(leaf.raw_name, name, sniffed, data),
    )


__all__ = ["Readable", "parse", "part_bytes"]
