"""Reading what could not be delivered: RFC 3464, 6522 and 6533 reports, and the many that are none.

read_bounce() gives None for what is no bounce. About half of real bounces are not multipart/report; those are
known by evidence that must come together (sender, null return path, subject, phrase at the top), since people
quote bounces when they ask for help. Anyone can forge one: what it may do is decided elsewhere. Recipients,
status and the original's identifiers are what the report says, in this order of trust: delivery-status
fields, X-Failed-Recipients, the words. Challenge services that dress as a DSN never count as a failure.
"""

from __future__ import annotations

import re
from dataclasses import replace
from email.message import Message

from mailbridge.mail.addresses import read_addresses, read_id, read_ids
from mailbridge.mail.bounce_words import (
    ADDR,
    CHALLENGERS,
    CONFIRM,
    COPY,
    DAEMON,
    DAEMON_NAME,
    DELAYED,
    LISTED,
    MASTER,
    PHRASES,
    REASONS,
    SUBJECT,
    TALK,
    TO_SENDER,
)
from mailbridge.mail.charset import clean, decode
from mailbridge.mail.leaves import Reading
from mailbridge.mail.limits import Limits
from mailbridge.mail.tree import Part, build_inner
from mailbridge.mail.words import decode_words, fold_key, one_line
from mailbridge.model.message import Bounce, Headers, Recipient

_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_CODE = re.compile(r"(?<![\d.])([45][0-5]\d)(?=[ -])")
_FIELD = re.compile(r"^([A-Za-z][A-Za-z-]{2,40})[ \t]*:[ \t]*(.*)$")
_RECIPIENT_FIELD = ("original-recipient", "final-recipient", "x-actual-recipient", "recipient")
_UNITEXT = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_ID_LINE = re.compile(r"message[- ]?id\s*[:=]\s*(<[^<>\s]{3,990}>)", re.I)
_REPLY = re.compile(
    r"^\W{0,3}(?:re|aw|sv|vs|antw|odp|ynt|fwd?|wg|tr|rv|i|enc|回复|答复|转发|返信|転送)\s*(?:\[\d+\])?\s*[:：]",
    re.I,
)
_ACTIONS = ("failed", "delayed", "delivered", "relayed", "expanded")
_MOST = 50


def read_bounce(root: Part, headers: Headers, text: str, reading: Reading) -> Bounce | None:
    """What a message says of a failed, delayed or done delivery; None where it is no delivery report.

    text is the readable text of the message. Recipients may be empty where the report names none.
    """
    text = text[:200_000]
    statuses = [
        part
        for part in reading.reports
        if part.content_type in ("message/delivery-status", "message/global-delivery-status")
    ]
    if not _is_bounce(root, headers, text, bool(statuses), bool(reading.messages)):
        return None
    own_words, copy = _split_copy(text)
    recipients = _from_reports(statuses, root) or _from_words(headers, own_words, copy)
    found = _tie(_soften(recipients), headers, reading, own_words, copy)
    if not found.recipients and "@" in found.original_to:
        # Named nowhere: then it is whom the returned message was for.
        return replace(
            found, recipients=(_worded(found.original_to, _action(headers, own_words), own_words),)
        )
    return found


def is_challenge(headers: Headers) -> bool:
    """Whether a challenge service wrote this: it asks for a click, and nothing has failed for good."""
    for name in ("from", "return-path", "sender", "reply-to"):
        hit = re.search(r"@([\w.-]+)", headers.get(name))
        if hit and CHALLENGERS.search(hit[1].lower()):
            return True
    return any(
        name in headers
        for name in ("x-boxbe-gid", "x-spamarrest", "x-tmda-confirm", "x-choicemail-registration-request")
    )


def _is_bounce(root: Part, headers: Headers, text: str, has_status: bool, has_original: bool) -> bool:
    if is_challenge(headers):
        return False
    kind, report = root.content_type, root.word("report-type").lower()
    if report in ("feedback-report", "disposition-notification"):
        return False
    if kind == "multipart/report" and (has_status or report in ("delivery-status", "")):
        return True
    if kind == "message/delivery-status" or "x-failed-recipients" in headers:
        return True
    if re.search(r"auto-generated\s*\((?:failure|warning|postmaster)", headers.get("auto-submitted"), re.I):
        return True
    return (has_status and _daemon(headers) > 0) or _by_words(headers, text, has_original)


def _by_words(headers: Headers, text: str, has_original: bool) -> bool:
    daemon, null = _daemon(headers), _null_sender(headers)
    subject = fold_key(headers.get("subject")[:300])
    answer = bool(_REPLY.match(subject))
    failed = not answer and bool(SUBJECT.match(subject))
    top = fold_key(text[:1500])
    phrase = PHRASES.search(top)
    if daemon == 2 and not answer:
        return True
    if daemon == 1 and not null:
        # A postmaster is a person, too, and writes of his server: a report names whom it could not reach.
        if failed and not TALK.search(text[:1500]):
            return True
        return phrase is not None and not answer and (has_original or _technical(headers, text))
    if daemon or null:
        return failed or (phrase is not None and not answer and (daemon > 0 or has_original))
    # No sign in the sender: the system's own subject and its own first sentence, both.
    near = phrase is not None and phrase.start() < 400
    quoting = "in-reply-to" in headers or "references" in headers
    speaks = COPY.search(text) is not None or has_original or TO_SENDER.search(top) is not None
    return failed and near and not quoting and speaks and _technical(headers, text)


def _technical(headers: Headers, text: str) -> bool:
    """A report names an address or a code; a person who asks about one does so in words, from a mail
    program."""
    words, copy = _split_copy(text)
    named = bool(_named(headers, words) or _STATUS.search(words) or copy)
    by_hand = any(name in headers for name in ("user-agent", "thread-index", "x-originating-ip"))
    return named and not by_hand and not TALK.search(words[:1500])


def _daemon(headers: Headers) -> int:
    """2 for a mailer daemon, 1 for what may also be a person (postmaster), 0 else."""
    best = 0
    for address in read_addresses(list(headers.get_all("from"))):
        local = address.address.partition("@")[0]
        if DAEMON.match(local) or re.search(r"mailer[ -]?daemon", address.name, re.I):
            return 2
        if MASTER.match(local) or DAEMON_NAME.search(address.name):
            best = 1
    return best


def _null_sender(headers: Headers) -> bool:
    if "return-path" in headers:
        value = headers.get("return-path").strip()
        return value in ("<>", "") or bool(
            re.match(r"<?(?:(?:mailer-daemon|postmaster|double-bounce)@|mailer-daemon>?$)", value, re.I)
        )
    return False


# -- recipients
# ------------------------------------------------------------------------------------------------


def _from_reports(statuses: list[Part], root: Part) -> list[Recipient]:
    found: list[Recipient] = []
    for part in statuses:
        found += _blocks(_report_text(part))
    if not found and b"inal-" in root.data[root.start : root.end][:200_000]:
        # The report is there but broken: no blank line, wrong type, quoted-printable inside text.
        data = root.data[root.start : root.end][:200_000]
        if b"=\n" in data or b"=\r\n" in data:
            data = data.replace(b"=\r\n", b"").replace(b"=\n", b"")
        found = _blocks(decode(data)[0])
    return list({recipient.address.lower(): recipient for recipient in reversed(found)}.values())[::-1][
        :_MOST
    ]


def _report_text(part: Part) -> str:
    return decode(part.decoded()[:200_000], "utf-8")[0]


def _blocks(text: str) -> list[Recipient]:
    """The per-recipient blocks. A new one begins at a recipient field when the last one already has its
    own."""
    found: list[dict[str, str]] = []
    current: dict[str, str] = {}
    last = ""
    for line in clean(text).splitlines():
        if line[:1] in " \t" and last and line.strip():
            current[last] = (current[last] + " " + line.strip())[:2000]
            continue
        hit = _FIELD.match(line)
        if hit is None:
            last = ""
            continue
        last = hit[1].lower()
        if last in current and last in (*_RECIPIENT_FIELD, "action", "status") and len(found) < _MOST:
            found.append(current)
            current = {}
        current.setdefault(last, hit[2].strip()[:2000])
    found.append(current)
    return [made for fields in found if (made := _recipient(fields)) is not None]


def _recipient(fields: dict[str, str]) -> Recipient | None:
    named = [value for name in _RECIPIENT_FIELD if (value := _address_of(fields.get(name, "")))]
    address = next((one for one in named if "@" in one), named[0] if named else "")
    if not address:
        return None
    diagnostic = one_line(fields.get("diagnostic-code", "") or fields.get("x-supplementary-info", ""))
    action = fields.get("action", "").split(";")[0].split()[:1]
    word = action[0].lower() if action else ""
    status = _best_status(fields.get("status", ""), diagnostic)
    if word not in _ACTIONS:
        word = {
            "fail": "failed",
            "failure": "failed",
            "error": "failed",
            "expired": "failed",
            "delay": "delayed",
            "deliverable": "delivered",
        }.get(word, "failed" if not status.startswith("2") else "delivered")
    status = status or {"failed": "5.0.0", "delayed": "4.0.0"}.get(word, "2.0.0")
    return Recipient(address[:320], word, status, diagnostic[:1000])


def _address_of(value: str) -> str:
    """The address of "rfc822; <a@b>", also of RFC 6533 forms (utf-8; with \\x{...} escapes)."""
    value = decode_words(value)
    kind, semicolon, address = value.partition(";")
    address = (address if semicolon and "@" not in kind else value).strip()
    hit = re.search(r"<([^<>]*)>", address)
    address = (hit[1] if hit else address).strip("<>\"' ,;").replace(" ", "")
    return _UNITEXT.sub(lambda one: chr(min(int(one[1], 16), 0x10FFFF)), address)


def _best_status(status: str, diagnostic: str) -> str:
    """The enhanced code. x.0.0 says nothing: then the diagnostic's own, or its words."""
    hit = _STATUS.search(status)
    code = hit[1] if hit else ""
    said = _STATUS.search(diagnostic)
    if code == "5.1.1" and said and said[1].startswith("5.7."):
        return said[
            1
        ]  # sendmail calls every refusal an unknown user; a blocked sender must not mark the address
    if code and not code.endswith(".0.0"):
        return code
    if said and (not code or said[1][0] == code[0]) and not said[1].endswith(".0.0"):
        return said[1]
    guess = _reason(diagnostic) if diagnostic else ""
    if guess and (not code or guess[0] == code[0]):
        return guess
    return code or (said[1] if said else guess)


def _reason(words: str) -> str:
    for status, pattern in REASONS:
        if pattern.search(words):
            code = _CODE.search(words)
            return f"{code[1][0]}{status[1:]}" if code and code[1][0] != status[0] else status
    code = _CODE.search(words)
    return f"{code[1][0]}.0.0" if code else ""


def _split_copy(text: str) -> tuple[str, str]:
    """(the system's words, the returned message below them)."""
    hit = COPY.search(text)
    header = re.search(r"^(?:Return-Path|Received|Message-ID|MIME-Version|X-[\w-]+): ", text, re.M | re.I)
    cut = min(
        (one.start() for one in (hit, header) if one is not None and one.start() > 0), default=len(text)
    )
    return text[:cut], text[cut:]


def _from_words(headers: Headers, words: str, copy: str) -> list[Recipient]:
    listed = read_addresses(list(headers.get_all("x-failed-recipients")))
    addresses = [one.address for one in listed if one.address]
    if not addresses:
        addresses = _named(headers, words)
    if not addresses:
        hit = re.search(rf"^To:[^\n]{{0,200}}?({ADDR})", copy, re.M | re.I)
        addresses = [hit[1]] if hit else []
    return [_worded(address, _action(headers, words), words) for address in addresses[:_MOST]]


def _action(headers: Headers, words: str) -> str:
    return "delayed" if DELAYED.search(f"{headers.get('subject')}\n{words[:5000]}") else "failed"


def _named(headers: Headers, words: str) -> list[str]:
    """Addresses that the words name as failed, by the surest pattern that finds any; never the parties of
    this mail."""
    parties = {
        one.key
        for name in ("from", "to", "sender", "reply-to", "delivered-to", "return-path")
        for one in read_addresses(list(headers.get_all(name)))
    }
    for pattern in LISTED:
        hits = dict.fromkeys(hit.strip(".-'").rstrip(".") for hit in pattern.findall(words[:20_000])[:500])
        found = [
            hit
            for hit in hits
            if hit.lower() not in parties
            and not DAEMON.match(hit.partition("@")[0])
            and not MASTER.match(hit.partition("@")[0])
        ]
        if found:
            return found
    return []


def _worded(address: str, action: str, words: str) -> Recipient:
    place = max(words.lower().find(address.lower()), 0)
    near = words[place : place + 1200]
    status = _first(_STATUS, near) or _first(_STATUS, words)
    if not status or status.endswith(".0.0"):
        status = _reason(near) or _reason(words) or status
    if action == "delayed" and status.startswith("5"):
        status = "4" + status[1:]
    return Recipient(
        address, action, status or ("4.0.0" if action == "delayed" else "5.0.0"), one_line(near[:300])
    )


def _first(pattern: re.Pattern[str], text: str) -> str:
    hit = pattern.search(text)
    return hit[1] if hit else ""


def _soften(recipients: list[Recipient]) -> list[Recipient]:
    """A server that asks for a confirmation has not failed for good: never a reason to mark the address."""
    return [
        Recipient(one.address, "delayed", "4.7.0", one.diagnostic) if CONFIRM.search(one.diagnostic) else one
        for one in recipients
    ]


# -- the original message
# ----------------------------------------------------------------------------------------


def _tie(recipients: list[Recipient], headers: Headers, reading: Reading, words: str, copy: str) -> Bounce:
    """The identifiers of the message that was returned: from its copy, its headers, or the report's own
    thread."""
    for head in _original_heads(reading, copy):
        message_id = read_id(head.get_all("message-id", []))
        subject = one_line(decode_words(str(head.get("subject", ""))))[:500]
        if message_id or subject:
            references = read_ids([*head.get_all("references", []), *head.get_all("in-reply-to", [])], 50)
            to = read_addresses(head.get_all("to", []))
            replies = tuple(one.address for one in read_addresses(head.get_all("reply-to", []))[:5])
            target = to[0].address if to else ""
            return Bounce(tuple(recipients), message_id, references, subject, target, replies)
    answered = read_ids(
        [
            *headers.get_all("in-reply-to"),
            *headers.get_all("x-original-message-id"),
            *headers.get_all("references"),
        ],
        10,
    )
    if not answered:
        answered = read_ids(_ID_LINE.findall(words[:20_000])[:10], 10)
    return Bounce(tuple(recipients), answered[0] if answered else "")


def _original_heads(reading: Reading, copy: str) -> list[Message]:
    heads = [inner.head for _, inner in reading.messages]
    limits = Limits()
    for part in reading.reports:
        if part.content_type in ("text/rfc822-headers", "message/global-headers"):
            heads.append(build_inner(part.decoded(), "x", limits)[0].head)
    field = re.search(r"^(?:[A-Za-z][\w-]{1,40}): ", copy, re.M)
    if field:
        heads.append(build_inner(copy[field.start() :].encode("utf-8", "ignore"), "x", limits)[0].head)
    return heads


def report_fields(reading: Reading) -> tuple[tuple[str, str], ...]:
    """Fields of a feedback report (RFC 5965) or disposition notification (RFC 8098), at most 100."""
    fields: list[tuple[str, str]] = []
    for part in reading.reports:
        if "feedback" in part.content_type or "disposition" in part.content_type:
            for line in _report_text(part).splitlines()[:200]:
                hit = _FIELD.match(line)
                if hit:
                    fields.append((hit[1], one_line(hit[2])[:1000]))
    return tuple(fields[:100])
