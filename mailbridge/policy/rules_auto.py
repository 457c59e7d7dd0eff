"""Rules that know a machine: our own loop, reports, bounces, automatic answers, other help desks, lists.

Each rule takes a Look and gives the evidence as words, or "" where it does not hit. Headers come first,
words last and only with a second sign (rules_fields is the union of what shipping help desks test).
"""

from __future__ import annotations

import re

from mailbridge.mail.bounce import is_challenge
from mailbridge.mail.bounce_words import CONFIRM
from mailbridge.policy import rules_fields as fields
from mailbridge.policy import rules_words as words
from mailbridge.policy.look import Look, without_plus
from mailbridge.policy.rules_machines import other_desk
from mailbridge.policy.rules_signs import asks, asks_or_greets, bulk, quotes_nothing, unattended

_OF_ITSELF = re.compile(r"automat|autom[áà]t|auto-|do not|автомат|自动|自動|자동")

# -- our own mail come back
# --------------------------------------------------------------------------------------


def own_loop(look: Look) -> str:
    """What we sent ourselves, or a message that travels in a circle."""
    site, message = look.site, look.message
    marker = look.value("x-mailbridge-loop").lower()
    if marker and (not site.loop_marker or marker == site.loop_marker.lower()):
        return "carries our loop marker"
    if any(value.strip("<> ").lower() in site.addresses for value in message.headers.get_all("x-loop")):
        return "X-Loop names an address of ours"
    delivered = [value.strip("<> ").lower() for value in message.headers.get_all("delivered-to")]
    twice = next((one for one in delivered if one in site.addresses and delivered.count(one) > 1), "")
    if twice:
        return f"was delivered to {twice} before"
    if len(message.headers.get_all("received")) > fields.MOST_HOPS:
        return f"has passed more than {fields.MOST_HOPS} servers"
    if (
        fields.OWN_ID.match(message.message_id)
        and message.message_id.rpartition("@")[2].rstrip(">").lower() in site.domains
    ):
        return "its Message-ID is of our making"
    return _from_ourselves(look) or _sent_back(look)


def _from_ourselves(look: Look) -> str:
    """From one of our own addresses. A form on our web site does that too, with the customer in Reply-To."""
    if not look.from_own or look.envelope.login:
        return ""
    elsewhere = [
        one for one in look.message.reply_to if one.key and without_plus(one.key) not in look.site.addresses
    ]
    if elsewhere and not look.automatic:
        return ""
    return "is sent from an address of ours"


def _sent_back(look: Look) -> str:
    """A rule of the recipient sent our own notice back to us."""
    rule = look.has(
        "x-ms-exchange-inbox-rules-loop", "resent-from", "x-forwarded-for", "x-forwarded-encrypted"
    )
    forwarded = words.FORWARD_PREFIX.match(look.subject) or look.has("resent-from")
    if (
        rule
        and forwarded
        and words.CASE_TOKEN.search(look.subject)
        and (words.ACK_TEXT.search(look.top[:600]) or look.answers_us)
    ):
        return f"{rule} sends our own notice back"
    return ""


# -- reports
# -----------------------------------------------------------------------------------------------------


def feedback_report(look: Look) -> str:
    """Abuse reports (RFC 5965) and the providers' older forms."""
    message = look.message
    if message.report_type == "feedback-report" or any(
        one.content_type == "message/feedback-report" for one in message.attachments
    ):
        return "is an abuse report (RFC 5965)"
    if look.has("x-apple-unsubscribe"):
        return "is an unsubscription that a mail program sent"
    originals = [original.headers for original in message.originals]
    if any("x-hmxmroriginalrecipient" in headers for headers in originals) or (
        fields.COMPLAINTS.match(look.subject) and originals
    ):
        return "is a provider's complaint about a message of ours"
    sender = message.author.key
    if (
        re.match(r"^(?:fbl|feedbackloop|complaints?|abuse-?reports?|scomp|staff)@", sender)
        and originals
        and not message.in_reply_to
    ):
        return "comes from a feedback loop and carries a message"
    return ""


def read_receipt(look: Look) -> str:
    """Disposition notifications (RFC 8098), and Outlook's, which hide in winmail.dat or plain text."""
    message = look.message
    kinds = {one.content_type for one in message.attachments} | {message.content_type}
    if message.report_type == "disposition-notification" or kinds & {
        "message/disposition-notification",
        "message/global-disposition-notification",
    }:
        return "is a read receipt (RFC 8098)"
    if re.match(r"REPORT\..*\.IPN", message.message_class):
        return "is a read receipt in winmail.dat"
    if re.search(r"content-classes:mdn|report-type=disposition", look.value("content-class").lower()):
        return "Content-Class says read receipt"
    if words.READ_RECEIPT.match(look.subject) and not asks_or_greets(look):
        says = words.RECEIPT_TEXT.search(look.top[:500])
        return "subject and text are a read receipt's" if says else ""
    return ""


def challenge(look: Look) -> str:
    """Somebody's challenge service wants a click before it delivers; never answered (two of them would talk
    forever)."""
    message = look.message
    if is_challenge(message.headers):
        return "comes from a challenge service"
    bounce = message.bounce
    if (
        bounce is not None
        and bounce.recipients
        and all(CONFIRM.search(one.diagnostic) for one in bounce.recipients)
    ):
        return "the recipient's server asks for a confirmation"
    wants = CONFIRM.search(look.top[:1500])
    subject = words.CHALLENGE_SUBJECT.search(
        look.subject,
    )
    if wants and subject and (look.null_sender or look.automatic or look.answers or look.has("precedence")):
        return "asks the sender to confirm before it delivers"
    return ""


def bounce(look: Look) -> str:
    """A delivery report, standard or not (mail.bounce has judged)."""
    found = look.message.bounce
    if found is None:
        return ""
    whom = ", ".join(one.address for one in found.recipients[:3]) or "nobody by name"
    return f"reports on the delivery to {whom}"


# -- automatic answers
# -------------------------------------------------------------------------------------------


def auto_reply_header(look: Look) -> str:
    """Header fields that say: a robot answers."""
    if look.automatic.startswith("auto-replied"):
        return f"Auto-Submitted: {look.value('auto-submitted')[:80]}"
    hit = look.has(*fields.REPLIERS)
    if hit and look.value(hit).lower() not in ("no", "false", "0", "none"):
        return f"{hit} is present"
    precedence = {look.value("precedence").lower(), look.value("x-precedence").lower()}
    if precedence & {"auto_reply", "auto-reply", "autoreply"}:
        return "Precedence: auto_reply"
    if (
        "autoresponder" in look.value("x-post-messageclass").lower()
        or look.value("x-apple-action").lower() == "vacation"
    ):
        return "the sender's server says autoresponder"
    if look.value("x-autogenerated").lower() in ("reply", "autoreply", "yes"):
        return f"X-Autogenerated: {look.value('x-autogenerated')}"
    if any("autorespond" in value.lower() for value in look.message.headers.get_all("delivered-to")):
        return "Delivered-To: autoresponder"
    if re.search(
        r"vacation|auto[- ]?respon|auto[- ]?repl(?:y|ies)|out[- ]?of[- ]?office",
        look.value("x-mailer") + look.value("user-agent"),
        re.I,
    ):
        return f"X-Mailer: {look.value('x-mailer')[:60]}"
    return _exchange_answer(look)


def _exchange_answer(look: Look) -> str:
    """Exchange marks its out-of-office answers auto-generated; the inbox rule's loop field tells them from
    reports."""
    rule = look.has("x-ms-exchange-inbox-rules-loop")
    if rule and (look.automatic or words.AUTO_SUBJECT.match(look.subject)):
        return "an Exchange inbox rule answers"
    suppress = look.value("x-auto-response-suppress").lower()
    if look.automatic and suppress and words.AUTO_SUBJECT.match(look.subject):
        return "Auto-Submitted and the subject of an automatic answer"
    return ""


def auto_reply_words(look: Look) -> str:
    """The subject of an automatic answer, with a second sign: it answers, has no return path, or says it is
    away."""
    bare = words.TAG_PREFIX.sub("", look.subject)
    strong = (
        words.AUTO_SUBJECT.match(look.subject)
        or words.AUTO_SUBJECT.match(bare)
        or words.LOTUS_SUBJECT.match(look.subject)
        or _says_absent(look.subject)
    )
    weak = words.WEAK_SUBJECT.match(look.subject)
    away = words.AWAY_TEXT.search(look.fresh[:700])
    machine = (
        look.null_sender or bool(look.automatic) or bool(look.has("precedence", "x-auto-response-suppress"))
    )
    # Somebody who asks for something before he speaks of absence writes about it, and is not away.
    before = away and words.ASKS.search(look.fresh[: away.end()])
    signs = (
        ("it answers a message", strong and look.answers and (away or not _questions(look))),
        ("it has no return path", look.null_sender),
        ("it says so", away and not before and (strong or words.WEAK_ALONE.match(look.subject))),
        ("a header", machine),
        (
            "it is short and answers us",
            look.answers_us and _curt(look),
        ),
    )
    if strong or weak:
        sign = next((name for name, true in signs if true), "")
        if sign:
            return f"subject {look.message.subject[:60]!r}, and {sign}"
    return _absence_behind_re(look, away)


def _absence_behind_re(look: Look, away: re.Match[str] | None) -> str:
    """Robots that put Re: before their subject, or keep the subject of what they answer."""
    bare = words.REPLY_PREFIX.sub("", look.subject)
    hit, last = words.AUTO_SUBJECT.match(bare), words.AUTO_SUBJECT.match(_end_in_brackets(bare))
    # "This mail was generated automatically" is what reports say of themselves, too: that is no absence.
    absent = bool(away and not _OF_ITSELF.search(away[0])) or words.AWAY_TEXT.search(bare) is not None
    if (look.null_sender or look.automatic) and (absent or hit or last or (away and look.answers)):
        return "no return path or Auto-Submitted, and words of absence"
    if bulk(look) and look.answers_us and _curt(look) and not words.REPLY_PREFIX.match(look.subject):
        return "Precedence, and it answers us in a few words under a subject of its own"
    if bulk(look) and look.answers and absent and _curt(look):
        return "Precedence, and an answer with words of absence"
    if look.null_sender and look.has("precedence", "x-precedence", "x-auto-response-suppress"):
        return "no return path and Precedence"
    if look.null_sender and look.answers and not asks(look):
        return "no return path, and it answers a message"
    forwarded = words.FORWARD_PREFIX.match(look.subject)
    if last and look.answers and _curt(look) and not forwarded:
        return "answers, and says behind the subject that it is automatic"
    if hit and away and away.start() < 120 and not forwarded and look.answers_us and _curt(look):
        return "answers us with words of absence alone"
    return ""


def robot_answer(look: Look) -> str:
    """An answer in the shape of a robot's, with words of its trade: under a subject of its own, nothing
    quoted, nothing asked. A person who changes the subject of a thread does not also speak like this."""
    if not look.answers_us or not _robot_shaped(look):
        return ""
    if look.automatic:  # another desk tells of its agents' answers so, too: those are its reports
        return "" if other_desk(look) else f"answers us, and Auto-Submitted: {look.automatic}"
    text = f"{look.subject} {look.fresh}"
    if words.AUTOMATIC_SUBJECT.search(look.subject) or words.AUTOMATIC.search(look.fresh):
        return "answers us, in a robot's shape, and says automatic"
    if words.ABSENCE.search(text) and words.UNTIL.search(text):
        return "answers us, in a robot's shape, with words of absence"
    if words.RECEIVED.search(text) and words.PROMISE.search(text):
        return "answers us, in a robot's shape, with words of receipt"
    return ""


def _robot_shaped(look: Look) -> bool:
    moved = words.REPLY_PREFIX.match(look.subject) or words.FORWARD_PREFIX.match(look.subject)
    moved = moved or words.TOPIC.match(look.subject)
    return not moved and len(look.message.text) < 1500 and quotes_nothing(look) and not asks(look)


def _questions(look: Look) -> bool:
    """Somebody answers under a robot's subject, and asks us something. A chat robot offers its help."""
    offers = re.search(r"help you|ihnen helfen|vous aider|ayudarle|aiutarla|ajudar", look.fresh)
    return "?" in look.fresh and not offers and bool(words.ASKS.search(look.fresh[:800]))


def _says_absent(subject: str) -> bool:
    """The subject is itself a sentence of absence. "Automatic reply does not work" is none."""
    hit = None if "?" in subject else words.AWAY_TEXT.match(subject)
    return hit is not None and not _OF_ITSELF.search(hit[0])


def _end_in_brackets(subject: str) -> str:
    """Some robots say it behind the subject that they answer: Re: Printer (Out of Office)."""
    hit = re.search(r"[(\[]([^()\[\]]{3,40})[)\]]$", subject)
    return hit[1] if hit else ""


def _curt(look: Look) -> bool:
    """A few words, no quote, no question."""
    question = any(mark in look.message.subject + look.message.text for mark in "?？؟")
    return len(look.message.text) < 600 and quotes_nothing(look) and not question


def desk_acknowledgement(look: Look) -> str:
    """Another help desk says that it has a ticket now."""
    in_subject, in_text = words.ACK_SUBJECT.search(look.subject), words.ACK_TEXT.search(look.fresh[:800])
    if not (in_subject or in_text):
        return ""
    desk = (
        look.has(*fields.DESKS)
        or (fields.DESK_IDS.match(look.message.message_id) and "its Message-ID")
        or (words.DESK_MAILER.search(look.value("x-mailer")) and "X-Mailer")
    )
    automatic = look.automatic or look.has("x-auto-response-suppress") or bulk(look)
    if automatic or (desk and in_subject and in_text):
        return f"acknowledges receipt, and {desk or 'a header'} says machine"
    sure = words.ACK_SURE.search(look.fresh[:300])
    robot = words.ROBOT_TEXT.search(look.fresh[:1200])
    replied = words.REPLY_PREFIX.match(look.subject)
    bound = look.answers or words.CASE_TOKEN.search(look.subject)
    if sure and robot and bound and (in_subject or look.answers_us) and (not replied or quotes_nothing(look)):
        return "answers with an acknowledgement of its own"
    if in_subject and in_text and robot and not replied and (unattended(look) or look.null_sender):
        return "announces a ticket"
    return ""
