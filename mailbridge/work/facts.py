"""Load the facts that a decision may use: one snapshot, read in one go, nothing decided here."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import phonenumbers

from mailbridge.model.case import Case
from mailbridge.model.customer import Account, Contact, Entitled
from mailbridge.model.decision import BouncedNotice, Facts, Reference, Site
from mailbridge.model.envelope import Envelope, Way
from mailbridge.model.message import Classification, Kind, ParsedMessage
from mailbridge.model.policy import Policy
from mailbridge.policy import oversize, tokens
from mailbridge.policy.authentic import Authentic, read_authentic
from mailbridge.policy.author import written_by
from mailbridge.policy.classify import classify
from mailbridge.policy.decide import is_staff
from mailbridge.policy.links import judge_link
from mailbridge.policy.subjects import number_alone, numbers_in, strip_prefixes, subject_key, tags_in
from mailbridge.policy.thread import thread_key
from mailbridge.policy.values import zone_of
from mailbridge.store.apply import Verdict
from mailbridge.store.inbox import Received
from mailbridge.store.lookups import Lookup
from transcription.redact import redact_text

AUTHENTICATING_WAYS = (Way.SMTP, Way.LMTP, Way.IMAP, Way.SIMULATION)
SHORTEST_QUOTE = 24  # letters and digits of an original that a quotation is known by
LONGEST_QUOTE = 400  # beyond these, clients and people cut
MAX_QUOTED = 50_000
_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")


@dataclass(frozen=True, slots=True)
class Ground:
    """What does not change from message to message."""

    site: Site
    policy: Policy
    secrets: tuple[bytes, ...]
    tag: str = "[#{number}]"
    region: str = "US"
    transcribe: bool = False


@dataclass(frozen=True, slots=True)
class Understood:
    """A message with its facts, ready to be decided."""

    message: ParsedMessage
    facts: Facts
    verdict: Verdict
    versions: Mapping[int, int]


def content_digest(message: ParsedMessage) -> str:
    """One digest for the same message by two ways: transport headers differ, these do not."""
    parts = [
        message.message_id,
        message.author.key,
        subject_key(message.subject),
        message.date.isoformat() if message.date else "",
        " ".join(message.text.split()),
        *sorted(item.sha256 for item in message.attachments),
    ]
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "backslashreplace")).hexdigest()


def text_digest(message: ParsedMessage) -> str:
    text = " ".join(message.new_text.split())
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest() if text else ""


def recipients_of(envelopes: Sequence[Envelope], message: ParsedMessage, site: Site) -> tuple[str, ...]:
    """Our addresses that this message was for: of every arrival; of the headers where the envelope is silent.

    A message that names both addresses in To and Cc was mailed to both, by whichever way it came first.
    """
    own = site.own.addresses
    found = [_without_detail(address) for envelope in envelopes for address in envelope.rcpt_to]
    named = [a.key for a in (*message.to, *message.cc)] + [a.lower() for a in message.delivered_to]
    found += [_without_detail(address) for address in named]
    return tuple(dict.fromkeys(address for address in found if address in own))


def _without_detail(address: str) -> str:
    local, _, domain = address.strip().lower().partition("@")
    return f"{local.partition('+')[0]}@{domain}"


def normal_phone(number: str, region: str) -> str:
    """E.164, or the bare digits of what is no public number (an extension), or ""."""
    try:
        parsed = phonenumbers.parse(number, region)
        if phonenumbers.is_possible_number(parsed):
            return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    except phonenumbers.NumberParseException:
        pass
    return "".join(ch for ch in number if ch.isdigit())


def understand(
    ground: Ground, lookup: Lookup, received: Received, message: ParsedMessage, now: datetime
) -> Understood:
    """Everything about one message: what it is, who, where it may belong, what was sent before."""
    envelope, signed = received.envelopes[0], message
    message = message if envelope.login else written_by(message, ground.site.own)
    found_tokens = _tokens(ground, received, message)
    references, staff_token = _references(ground, lookup, message, found_tokens)
    own_message = bool(found_tokens) or any(r.how == "message_id" for r in references)
    authentic = read_authentic(signed, ground.site.own.authserv_ids)
    classification = classify(message, envelope, replace(ground.site.own, own_message=own_message))
    if classification.voicemail is not None:
        proves = message is signed and any(one.way in AUTHENTICATING_WAYS for one in received.envelopes)
        call = judge_link(classification.voicemail, message, authentic, ground.site.own, proves=proves)
        classification = replace(classification, voicemail=call)
    facts = _facts(ground, lookup, received, message, classification, now)
    facts = replace(
        facts,
        references=references,
        staff_token_for=_staff_address(staff_token, received, message),
        # a group's signature, or our form's, says nothing of the person behind it
        authenticated=_authenticated(received, message, authentic) if message is signed else "",
        forged=authentic.dmarc == "fail",
        bounced=_bounced(ground, lookup, message, found_tokens) if classification.kind is Kind.BOUNCE else (),
    )
    if classification.kind is Kind.HUMAN and (proof := is_staff(facts, message)):
        staff = replace(classification, kind=Kind.STAFF, rule="staff", reason=f"staff, proven by {proof}")
        facts = replace(facts, classification=staff)
    seen = lookup.seen(received.id, message.message_id, content_digest(message))
    facts = replace(facts, seen=seen)
    return Understood(message, facts, _verdict(received, message, facts, authentic), _versions(facts))


def _tokens(ground: Ground, received: Received, message: ParsedMessage) -> list[tokens.Token]:
    addresses = [address for envelope in received.envelopes for address in envelope.rcpt_to]
    addresses += [a.address for a in (*message.to, *message.cc)] + list(message.delivered_to)
    refs = [*message.in_reply_to, *reversed(message.references)]
    for original in message.originals[:5]:
        refs += [original.message_id, *original.in_reply_to, *reversed(original.references)]
        refs += [one.address for one in original.reply_to]
    if message.bounce is not None:
        refs += [message.bounce.original_message_id, *message.bounce.original_reply_to]
    return tokens.find(ground.secrets, [*addresses, *refs][:300])


def _references(
    ground: Ground, lookup: Lookup, message: ParsedMessage, found: Sequence[tokens.Token]
) -> tuple[tuple[Reference, ...], tokens.Token | None]:
    """Cases that the message points to, the strongest evidence first; and a staff token, where there is
    one.
    """
    by_number = lookup.numbers([token.number for token in found])
    out: list[Reference] = []
    staff = next((token for token in found if token.role == tokens.STAFF), None)
    for token in found:
        if token.number in by_number:
            how = "staff_token" if token.role == tokens.STAFF else "token"
            out.append(Reference(by_number[token.number], how, f"#{token.number}"))
    refs = [*message.in_reply_to, *reversed(message.references)]
    out += [Reference(case, "message_id", ref) for ref, case in lookup.refs(refs)]
    out += _conversation(lookup, message)
    mentioned = numbers_in(f"{message.subject}\n{message.new_text}\n{message.forwarded_subject}", ground.tag)
    mentioned += number_alone(strip_prefixes(message.subject))
    if _mailed_to_escalation(ground, message):
        mentioned += number_alone(message.new_text)
    out += [Reference(case, "number", f"#{number}") for number, case in lookup.numbers(mentioned).items()]
    out += _originals(ground, lookup, message)
    out += _quoted(ground, lookup, message)
    unique: dict[tuple[int, str], Reference] = {}
    for reference in out:
        unique.setdefault((reference.case.id, reference.how), reference)
    return tuple(unique.values()), staff


def _conversation(lookup: Lookup, message: ParsedMessage) -> list[Reference]:
    """By Outlook's own thread, where its mobile or calendar left out the ids; under the same subject only."""
    key, wanted = thread_key(message.thread_index), subject_key(message.subject)
    found = lookup.refs([key]) if key else []
    return [Reference(case, "thread_index", key) for key, case in found if case.subject_key == wanted]


def _quoted(ground: Ground, lookup: Lookup, message: ParsedMessage) -> list[Reference]:
    """By what is quoted of a mail of ours, where a client left out all ids and the subject was changed: the
    case number as we write it, or the address that answers go to."""
    quoted = message.text[:MAX_QUOTED]
    numbers = [*tags_in(quoted, ground.tag)]
    numbers += [token.number for token in tokens.find(ground.secrets, _ADDRESS.findall(quoted)[:50])]
    return [Reference(case, "quoted", f"#{number}") for number, case in lookup.numbers(numbers).items()]


def _mailed_to_escalation(ground: Ground, message: ParsedMessage) -> bool:
    return any(one.key in ground.site.own.escalation for one in (*message.to, *message.cc))


def _originals(ground: Ground, lookup: Lookup, message: ParsedMessage) -> list[Reference]:
    """An original attached, or quoted by a mail client: by its Message-ID, numbers, or its sender and
    subject.
    """
    out: list[Reference] = []
    for original in message.originals[:5]:
        refs = [original.message_id, *original.in_reply_to, *original.references]
        out += [Reference(case, "original", ref) for ref, case in lookup.refs(refs)]
        numbers = numbers_in(original.subject, ground.tag)
        out += [Reference(case, "original", f"#{n}") for n, case in lookup.numbers(numbers).items()]
        out += _by_subject(lookup, original.author.key, original.subject)
    quoted = message.forwarded_from.key if message.forwarded_from else ""
    if quoted or message.forwarded_subject:
        senders = [quoted] if quoted and quoted not in ground.site.own.addresses else []
        for sender in [*senders, message.author.key]:
            out += _by_subject(lookup, sender, message.forwarded_subject or message.subject)
    elif _mailed_to_escalation(ground, message):
        out += _by_subject(lookup, message.author.key, message.subject)
        out += [] if out else _by_words(lookup, message)
    return out


def _by_words(lookup: Lookup, message: ParsedMessage) -> list[Reference]:
    """An original quoted below another subject, without a header of its own: by its very words.

    The senders asked are the author and whom the quotation names ("Carl <carl@...> wrote:"); whether it binds
    is decided by who the author is.
    """
    quoted = _bare(message.text)
    named = [found.lower() for found in _ADDRESS.findall(message.text[:MAX_QUOTED])]
    for sender in list(dict.fromkeys((message.author.key, *named)))[:4]:
        for case in lookup.recent(sender, None) if sender else ():
            if any(_quotes(quoted, text) for text in lookup.customer_texts(case.id)):
                return [Reference(case, "original", case.subject)]
    return []


def _quotes(quoted: str, original: str) -> bool:
    """Whether the original stands in the quotation; a few words ("please help") prove nothing."""
    words = _bare(original)
    return len(words) >= SHORTEST_QUOTE and words[:LONGEST_QUOTE] in quoted


def _bare(text: str) -> str:
    """Letters and digits alone: quote marks and line breaks differ from client to client."""
    return "".join(ch for ch in text[:MAX_QUOTED].casefold() if ch.isalnum())


def _by_subject(lookup: Lookup, sender: str, subject: str) -> list[Reference]:
    wanted = subject_key(subject)
    if not sender or not wanted:
        return []
    recent = lookup.recent(sender, None)
    return [Reference(case, "original", case.subject) for case in recent if case.subject_key == wanted][:1]


def _facts(
    ground: Ground,
    lookup: Lookup,
    received: Received,
    message: ParsedMessage,
    classification: Classification,
    now: datetime,
) -> Facts:
    author = message.author.key
    classification = _redacted(classification)
    voicemail = classification.voicemail
    caller = normal_phone(voicemail.caller, ground.region) if voicemail and voicemail.caller else ""
    if classification.kind is Kind.VOICEMAIL:
        contact = lookup.contact_by_phone(caller) if caller else None
    else:
        contact = lookup.contact_by_address(author)
    account = contact.account if contact and contact.account else None
    if account is None and classification.kind is not Kind.VOICEMAIL:
        account = lookup.account_by_domain(message.author.domain)
    to = author
    if classification.kind is Kind.VOICEMAIL:
        to = next(iter(contact.addresses), "") if contact else ""
    recent = lookup.recent(
        "" if classification.kind is Kind.VOICEMAIL else author, contact.id if contact else None
    )
    return Facts(
        site=ground.site,
        policy=ground.policy,
        classification=_answerable(classification, to),
        message_id=received.id,
        received_at=received.received_at,
        from_files=all(envelope.way is Way.INGEST for envelope in received.envelopes),
        answer=received.answer and all(e.answer for e in received.envelopes),
        recipients=recipients_of(received.envelopes, message, ground.site),
        contact=contact,
        account=account,
        entitled=entitled(ground.policy, contact, account, min(received.received_at, now)),
        recent=recent,
        sent=lookup.sent(to, author, text_digest(message), received.id, now),
        dead_addresses=(to,) if to and lookup.is_dead(to) else (),
        caller=caller,
        attachments=oversize.marked(attachment_rows(message), ground.policy.attachment_limit_bytes),
        transcribe=ground.transcribe,
        text=(voicemail.text or redact_text(message.new_text)) if voicemail else "",
    )


def _redacted(classification: Classification) -> Classification:
    """Without the card numbers that a telephone system's own transcript may hold."""
    voicemail = classification.voicemail
    if voicemail is None or not voicemail.text:
        return classification
    return replace(classification, voicemail=replace(voicemail, text=redact_text(voicemail.text)))


def _answerable(classification: Classification, to: str) -> Classification:
    """The telephone system is never answered, but its caller's own address is."""
    if classification.kind is Kind.VOICEMAIL and to:
        return replace(classification, may_answer=True, no_answer="")
    return classification


def attachment_rows(message: ParsedMessage) -> tuple[Mapping[str, Any], ...]:
    return tuple(
        {
            "part": item.part,
            "filename": item.filename,
            "content_type": item.sniffed_type or item.content_type,
            "size": item.size_bytes,
            "sha256": item.sha256,
            "inline": item.inline,
            "dangerous": item.dangerous,
        }
        for item in message.attachments
    )


def entitled(policy: Policy, contact: Contact | None, account: Account | None, at: datetime) -> Entitled:
    """Whether the plan runs on the day of this moment, as the account's own calendar on the wall shows it."""
    if account is not None:
        zone = zone_of(account.zone) or policy.calendars[policy.calendar].zone
        return account.entitled(at.astimezone(zone).date())
    return Entitled.KNOWN if contact is not None and not contact.provisional else Entitled.UNKNOWN


def _staff_address(token: tokens.Token | None, received: Received, message: ParsedMessage) -> str:
    """The author where the token was made for him; a file says nothing of who sent it."""
    author = message.author.key
    by_mail = any(envelope.way in AUTHENTICATING_WAYS for envelope in received.envelopes)
    return author if by_mail and token is not None and author and token.made_for(author) else ""


def _authenticated(received: Received, message: ParsedMessage, authentic: Authentic) -> str:
    """How the author is proven by the way the message came: a file proves nothing."""
    author = message.author.key
    for envelope in received.envelopes:
        if envelope.way not in AUTHENTICATING_WAYS:
            continue
        if envelope.login and envelope.login.lower() == author:
            return "login"
        if authentic.proven:
            return "dkim"
    return ""


def _bounced(
    ground: Ground, lookup: Lookup, message: ParsedMessage, found: Sequence[tokens.Token]
) -> tuple[BouncedNotice, ...]:
    """What of ours came back: by its Message-ID; by the token, where a relay gave it another id; by the case
    number in its subject, which proves nothing and so names nobody that may be marked."""
    bounce = message.bounce
    refs = [*message.in_reply_to, *message.references]
    if bounce is not None:
        refs = [bounce.original_message_id, *bounce.original_references, *refs]
    for original in message.originals[:5]:
        refs += [original.message_id]
    return lookup.bounced(refs) or _by_token(lookup, message, found) or _by_number(ground, lookup, message)


def _by_token(
    lookup: Lookup, message: ParsedMessage, found: Sequence[tokens.Token]
) -> tuple[BouncedNotice, ...]:
    cases = lookup.numbers([token.number for token in found])
    told = [one.address.lower() for one in message.bounce.recipients] if message.bounce else []
    return tuple(
        BouncedNotice(
            0,
            "staff_notice" if token.role == tokens.STAFF else "",
            cases[token.number],
            tuple(address for address in told if token.made_for(address)),
            "",
        )
        for token in found
        if token.number in cases
    )


def _by_number(ground: Ground, lookup: Lookup, message: ParsedMessage) -> tuple[BouncedNotice, ...]:
    bounce = message.bounce
    if bounce is None:
        return ()
    told = {one.address.lower() for one in bounce.recipients}
    cases = lookup.numbers(numbers_in(bounce.original_subject, ground.tag)).values()
    return tuple(
        BouncedNotice(0, "", case, (), bounce.original_subject)
        for case in cases
        if told & {case.requester.lower(), *case.participants}
    )


def _verdict(received: Received, message: ParsedMessage, facts: Facts, authentic: Authentic) -> Verdict:
    classification = facts.classification
    return Verdict(
        message_id=received.id,
        kind=classification.kind.value,
        rule=classification.rule,
        message_ref=message.message_id,
        content_digest=content_digest(message),
        text_digest=text_digest(message),
        author=message.author.key,
        subject=message.subject,
        rules=tuple(
            f"{hit.rule}: {'yes' if hit.hit else 'no'} {hit.detail}".strip() for hit in classification.hits
        ),
        authentic={
            "spf": authentic.spf,
            "dkim": authentic.dkim,
            "dmarc": authentic.dmarc,
            "domain": authentic.aligned_domain,
            "signers": list(authentic.signers),
            "source": authentic.source,
            "staff": facts.authenticated,
        },
    )


def _versions(facts: Facts) -> Mapping[int, int]:
    cases: list[Case] = [reference.case for reference in facts.references] + list(facts.recent)
    cases += [bounced.case for bounced in facts.bounced if bounced.case]
    if facts.seen and facts.seen.case:
        cases.append(facts.seen.case)
    return {case.id: case.version for case in cases}
