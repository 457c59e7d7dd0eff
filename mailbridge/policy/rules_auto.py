"""Rules that know a machine: our own loop, reports, bounces, automatic answers, other help desks, lists.

Each rule takes a Look and gives the evidence as words, or "" where it does not hit. Headers come first, words last
and only with a second sign (PITFALLS 1; PEERS 2.7 is the union of what shipping help desks test).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from mailbridge.mail.bounce import is_challenge
from mailbridge.mail.bounce_words import CONFIRM
from mailbridge.mail.words import fold_key
from mailbridge.model.envelope import Envelope
from mailbridge.model.message import ParsedMessage
from mailbridge.model.own import Own
from mailbridge.policy import rules_words as words

_OWN_ID = re.compile(
    r"^<(?:(?:case|mailbridge|mb)[-.+]|[a-z2-7]{31}\.)", re.I
)  # policy.tokens.message_id and its kin
_REPLIERS = (
    "x-autoreply", "x-autorespond", "x-autoresponder", "x-autoresponse", "x-autoreply-from", "x-mail-autoreply", "x-auto-reply",
    "x-auto-reply-from", "x-autoreply-domain", "x-autoresponder-id", "x-vacation", "x-ms-oof", "x-oof", "x-away", "x-autorply",
    "x-auto-response", "x-auto-respond", "x-pm-autoresponder", "x-kmail-autoreply", "x-gm-autoreply",
)  # fmt: skip
_GENERATED = (
    "x-fc-machinegenerated", "x-auto-generated", "x-cron-env", "x-github-reason", "x-gitlab-notificationreason", "x-jira-fingerprint",
    "x-servicenow-generated", "x-nagios-notification", "x-icinga-host", "x-monitoring", "x-mailer-daemon-report", "x-zabbix-event",
    "x-sentry-project", "x-bugzilla-reason", "x-bugzilla-type", "x-redmine-project", "x-trac-project", "x-phabricator-sent-this-message",
    "x-gerrit-messagetype", "x-launchpad-message-rationale", "x-travis-build-number", "x-jenkins-job", "x-debbugs-no-ack",
    "x-opsgenie-alertid", "x-pagerduty-incident", "x-discourse-post-id", "x-ms-exchange-generated-message-source", "x-amazon-mail-relay-type",
    "x-phpbb-origin", "x-facebook", "x-linkedin-class", "x-pobox-orig-mail-from",
)  # fmt: skip
_DESKS = (
    "x-zendesk-from-account-id", "x-zendesk-email-id", "x-zendesk-priority-mail", "x-freshdesk-ticket", "x-freshdesk-notification",
    "x-fw-mailer", "x-helpscout-convo", "x-rt-ticket", "x-rt-loop-prevention", "rt-ticket", "x-otrs-loop", "x-otobo-loop", "x-znuny-loop",
    "x-osticket-id", "x-zammad-ticket-id", "x-libredesk-loop-prevention", "x-jira-fingerprint", "x-servicenow-generated", "x-gorgias-email-id",
    "x-kayako-ticket", "x-helpdesk-ticket", "x-sfdc-user", "x-salesforce-case", "x-intercom-bin", "x-front-conversation", "x-chatwoot-id",
    "x-freescout-mail-type", "x-freescout-loop", "x-django-helpdesk-ticket", "x-hesk", "x-glpi-loop", "x-autotask-ticket", "x-topdesk-id",
)  # fmt: skip
_DESK_IDS = re.compile(
    r"^<(?:rt-[\d.]|FS_|B[0-9a-z]{5,}-|[\w.+-]*(?:zendesk|freshdesk|freshservice|otrs|otobo|znuny|osticket|helpscout|service-now))",
    re.I,
)
_LIST_FIELDS = ("list-id", "list-post", "list-unsubscribe", "list-subscribe", "list-owner", "list-archive", "mailing-list", "x-mailing-list", "list-help", "x-mailman-version", "x-google-group-id", "x-beenthere", "x-ml-name", "x-ml-count", "x-listserver", "x-campaign", "x-campaignid", "x-csa-complaints")  # fmt: skip
_PROGRAMS = re.compile(
    r"nagios|icinga|zabbix|prtg|cron daemon|logwatch|jenkins|jira|bugzilla|redmine|phpmailer-cron|anacron|smartd|opsgenie|statuspage",
    re.I,
)
_COMPLAINTS = re.compile(
    r"^(?:complaint about message from|fw: complaint|abuse report|\[?feedback[- ]report|email feedback report|spam complaint|fbl\b)",
    re.I,
)
_TAG = re.compile(r"^\[([\w .&+-]{2,40})\]")
_MOST_HOPS = 50  # Postfix's own hopcount_limit: past it a message is looping


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
        return self.message.return_path == ""

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


# -- our own mail come back --------------------------------------------------------------------------------------


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
    if len(message.headers.get_all("received")) > _MOST_HOPS:
        return f"has passed more than {_MOST_HOPS} servers"
    if (
        _OWN_ID.match(message.message_id)
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


# -- reports -----------------------------------------------------------------------------------------------------


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
    if (
        any("x-hmxmroriginalrecipient" in headers for headers in originals)
        or _COMPLAINTS.match(look.subject)
        and originals
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
    if words.READ_RECEIPT.match(look.subject) and re.search(
        r"(?:was|wurde|a été|fue|è stato|foi) [^.\n]{0,20}(?:read|displayed|gelesen|angezeigt|lu\b|leído|letto|lida|geöffnet)|return receipt|read on|gelesen am",
        look.top[:500],
    ):
        return "subject and text are a read receipt's"
    return ""


def challenge(look: Look) -> str:
    """Somebody's challenge service wants a click before it delivers; never answered (two of them would talk forever)."""
    message = look.message
    if is_challenge(message.headers, message.text):
        return "comes from a challenge service"
    bounce = message.bounce
    if (
        bounce is not None
        and bounce.recipients
        and all(CONFIRM.search(one.diagnostic) for one in bounce.recipients)
    ):
        return "the recipient's server asks for a confirmation"
    asks = CONFIRM.search(look.top[:1500])
    subject = re.search(
        r"(?:please )?(?:confirm|verify|verification|authenticate|approve)\b[^.]{0,40}(?:e-?mail|message|sender|address|delivery|you)|action required to deliver|challenge",
        look.subject,
    )
    if asks and subject and (look.null_sender or look.automatic or look.answers or look.has("precedence")):
        return "asks the sender to confirm before it delivers"
    return ""


def bounce(look: Look) -> str:
    """A delivery report, standard or not (mail.bounce has judged)."""
    found = look.message.bounce
    if found is None:
        return ""
    whom = ", ".join(one.address for one in found.recipients[:3]) or "nobody by name"
    return f"reports on the delivery to {whom}"


# -- automatic answers -------------------------------------------------------------------------------------------


def auto_reply_header(look: Look) -> str:
    """Header fields that say: a robot answers."""
    if look.automatic.startswith("auto-replied"):
        return f"Auto-Submitted: {look.value('auto-submitted')[:80]}"
    hit = look.has(*_REPLIERS)
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
        r"vacation|autorespond|auto-?reply|out-?of-?office",
        look.value("x-mailer") + look.value("user-agent"),
        re.I,
    ):
        return f"X-Mailer: {look.value('x-mailer')[:60]}"
    return _exchange_answer(look)


def _exchange_answer(look: Look) -> str:
    """Exchange marks its out-of-office answers auto-generated; the inbox rule's loop field tells them from reports."""
    rule = look.has("x-ms-exchange-inbox-rules-loop")
    if rule and (look.automatic or words.AUTO_SUBJECT.match(look.subject)):
        return "an Exchange inbox rule answers"
    suppress = look.value("x-auto-response-suppress").lower()
    if look.automatic and suppress and words.AUTO_SUBJECT.match(look.subject):
        return "Auto-Submitted and the subject of an automatic answer"
    return ""


def auto_reply_words(look: Look) -> str:
    """The subject of an automatic answer, with a second sign: it answers, has no return path, or says it is away."""
    bare = words.TAG_PREFIX.sub("", look.subject)
    strong = (
        words.AUTO_SUBJECT.match(look.subject)
        or words.AUTO_SUBJECT.match(bare)
        or words.LOTUS_SUBJECT.match(look.subject)
    )
    weak = words.WEAK_SUBJECT.match(look.subject)
    away = words.AWAY_TEXT.search(look.fresh[:700])
    machine = (
        look.null_sender or bool(look.automatic) or bool(look.has("precedence", "x-auto-response-suppress"))
    )
    signs = (
        ("it answers a message", strong and look.answers),
        ("it has no return path", look.null_sender),
        ("it says so", away),
        ("a header", machine),
        (
            "it is short and answers us",
            look.answers_us and len(look.message.text) < 600 and _quotes_nothing(look),
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
    hit = words.AUTO_SUBJECT.match(bare)
    if (look.null_sender or look.automatic) and (away or hit):
        return "no return path or Auto-Submitted, and words of absence"
    if look.null_sender and look.has("precedence", "x-precedence", "x-auto-response-suppress"):
        return "no return path and Precedence"
    if (
        away
        and hit
        and away.start() < 120
        and look.answers_us
        and len(look.message.text) < 400
        and _quotes_nothing(look)
    ):
        return "answers us with words of absence alone"
    return ""


def _quotes_nothing(look: Look) -> bool:
    return look.message.text.strip() == look.message.new_text.strip()


def desk_acknowledgement(look: Look) -> str:
    """Another help desk says that it has a ticket now."""
    in_subject, in_text = words.ACK_SUBJECT.search(look.subject), words.ACK_TEXT.search(look.fresh[:800])
    if not (in_subject or in_text):
        return ""
    desk = (
        look.has(*_DESKS)
        or (_DESK_IDS.match(look.message.message_id) and "its Message-ID")
        or (words.DESK_MAILER.search(look.value("x-mailer")) and "X-Mailer")
    )
    automatic = look.automatic or look.has("x-auto-response-suppress") or _bulk(look)
    if automatic or (desk and in_subject and in_text):
        return f"acknowledges receipt, and {desk or 'a header'} says machine"
    robot = words.ROBOT_TEXT.search(look.fresh[:1200])
    replied = words.REPLY_PREFIX.match(look.subject)
    if (
        in_text
        and in_text.start() < 300
        and robot
        and (look.answers or words.CASE_TOKEN.search(look.subject))
        and (in_subject or look.answers_us)
        and (not replied or _quotes_nothing(look))
    ):
        return "answers with an acknowledgement of its own"
    if in_subject and in_text and robot and not replied and (_unattended(look) or look.null_sender):
        return "announces a ticket"
    return ""


def _bulk(look: Look) -> bool:
    return bool(
        {look.value("precedence").lower(), look.value("x-precedence").lower()}
        & {"bulk", "junk", "auto_reply"}
    )


def _unattended(look: Look) -> bool:
    return bool(words.NOT_ANSWERED_LOCAL.match(look.message.author.key.partition("@")[0]))


# -- machines and lists ------------------------------------------------------------------------------------------


def auto_generated_header(look: Look) -> str:
    """A machine reports, by its own word."""
    if look.automatic:
        return f"Auto-Submitted: {look.value('auto-submitted')[:80]}"
    return ""


def auto_generated_system(look: Look) -> str:
    """A machine reports, by the fields of its program or the name of its sender."""
    hit = look.has(*_GENERATED)
    if hit and look.value(hit).lower() not in ("no", "false", "0"):
        return f"{hit} is present"
    if _PROGRAMS.search(look.value("x-mailer")):
        return f"X-Mailer: {look.value('x-mailer')[:60]}"
    if look.null_sender and not look.answers and _unattended(look):
        return "no return path, and the sender is a robot's name"
    if _unattended(look) and (_bulk(look) or look.has("x-auto-response-suppress")):
        return "the sender is a robot's name, and the message says bulk"
    return ""


def list_mail(look: Look) -> str:
    """A mailing list or a newsletter."""
    hit = look.has(*_LIST_FIELDS)
    if hit:
        return f"{hit} is present"
    if {look.value("precedence").lower(), look.value("x-precedence").lower()} & {"list", "bulk", "junk"}:
        return f"Precedence: {look.value('precedence') or look.value('x-precedence')}"
    if look.message.sender and re.search(
        r"(?:^owner-|-bounces?$|-owner$|-request$)", look.message.sender.key.partition("@")[0]
    ):
        return f"Sender: {look.message.sender.address}"
    return _tagged(look)


def _tagged(look: Look) -> str:
    """A subject tagged with the name of the address it was sent to, which is not ours: [users] to users@lists..."""
    hit = _TAG.match(words.REPLY_PREFIX.sub("", look.subject))
    if hit is None:
        return ""
    tag = hit[1].strip()
    for one in (*look.message.to, *look.message.cc):
        if (
            one.key.partition("@")[0] == tag
            and without_plus(one.key) not in look.site.addresses
            and one.domain not in look.site.domains
        ):
            return f"the subject is tagged with the list's name [{tag}]"
    return ""


def list_path(look: Look) -> str:
    """A return path of list software. People's mail has it too, through groups and mailing services."""
    path = (look.envelope.mail_from or look.message.return_path or "").lower()
    if re.search(r"^owner-|-bounces?[@+]|-owner@|-request@|^sentto-|^listserv@|^majordomo@", path):
        return f"the return path {path[:80]} is a list's"
    return ""


def other_desk(look: Look) -> str:
    """The field by which another help desk's mail is known, or ""."""
    return look.has(*_DESKS)
