"""Whether a message is a voicemail, and what the telephone system says of the call.

Voicemail needs evidence of a telephone system and a recording (or a link from a sender on the administrator's
list); audio alone is a customer's attachment. The order: administrator's rule, strong
machine header, provider by sender and subject, generic template with audio. Never answered: the sender is
the PBX.
Traps: X-CallingTelephoneNumber "IPM.Note" on ordinary Exchange mail (a value needs digits); fax is no
voicemail; "you have a voicemail" is a common phishing lure, so words without audio or listed sender prove
nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from mailbridge.model.message import Attachment, Voicemail
from mailbridge.model.own import VoicemailRule
from mailbridge.policy import rules_voice_words as table
from mailbridge.policy.links import listed
from mailbridge.policy.look import Look

_WRITERS = frozenset(("asterisk", "fusionpbx", "freeswitch", "mitel"))


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a message is taken for voicemail: the system, and the words for the rule table."""

    system: str
    detail: str
    links_count: bool = False  # the administrator trusts this sender's links


def audio_parts(look: Look) -> tuple[Attachment, ...]:
    """Attachments that are, or claim to be, sound. Types lie: bytes, then type, then name."""
    return tuple(one for one in look.message.attachments if is_audio(one))


def is_audio(one: Attachment) -> bool:
    if one.sniffed_type.startswith("audio/"):
        return True
    if one.content_type.startswith("audio/") or one.content_type in ("application/ogg", "application/x-wav"):
        return True
    opaque = one.content_type in (
        "application/octet-stream",
        "application/x-octet-stream",
        "video/mp4",
        "video/3gpp",
        "binary/octet-stream",
    )
    return opaque and bool(table.AUDIO_NAME.search(one.filename)) and one.sniffed_type in ("", "video/mp4")


def find_voicemail(look: Look) -> tuple[Voicemail, str] | None:
    """The voicemail and its evidence, or None."""
    if _is_fax(look):
        return None
    audio = audio_parts(look)
    evidence = (
        _by_admin(look)
        or _by_header(look)
        or _by_provider(look, bool(audio))
        or (_by_template(look) if audio else None)
    )
    if evidence is None:
        return None
    trusted = evidence.links_count or listed(look.message, look.site)
    links = _links(look)
    if not audio and not (trusted and links):
        return None
    return _details(look, evidence, audio, links), evidence.detail


def telephone_system(look: Look) -> str:
    """Words where a telephone system wrote it, though no recording is in it: a link, a missed call.

    Exchange writes its fields on ordinary mail too: they prove nothing here.
    """
    evidence = _by_header(look)
    return evidence.detail if evidence and evidence.system in _WRITERS else ""


def _is_fax(look: Look) -> bool:
    return "fax" in look.value("message-context").lower() or bool(
        re.match(r"^(?:new )?fax (?:message )?(?:from|received)", look.subject)
    )


def _by_admin(look: Look) -> Evidence | None:
    for rule in look.site.voicemail_rules:
        if _fits(rule, look):
            return Evidence(rule.name or "rule", f"the site's voicemail rule {rule.name!r}", links_count=True)
    return None


def _fits(rule: VoicemailRule, look: Look) -> bool:
    """Whether every pattern that is given fits."""
    asked = []
    if rule.from_address:
        asked.append(any(_sent_by(rule.from_address, one.key) for one in look.message.from_))
    if rule.header:
        values = look.message.headers.get_all(rule.header)
        asked.append(any(_globbed(rule.value, " ".join(value.split())) for value in values))
    if rule.subject:
        asked.append(_globbed(rule.subject, look.message.subject))
    return bool(asked) and all(asked)


def _sent_by(pattern: str, address: str) -> bool:
    domain = pattern.removeprefix("@")
    return _globbed(pattern, address) or ("@" not in domain and _globbed(f"*@{domain}", address))


def _globbed(pattern: str, value: str) -> bool:
    """Whatever the case, over the beginning of a value: a pattern of many stars on a long one takes long."""
    return fnmatchcase(value[:300].casefold().strip(), pattern.casefold().strip())


def _by_header(look: Look) -> Evidence | None:
    """Fields and ids that only a telephone system writes."""
    message_id = look.message.message_id.lower()
    if look.has(
        "x-asterisk-callerid", "x-asterisk-vm-message-num", "x-asterisk-calleridname"
    ) or message_id.startswith("<asterisk-"):
        return Evidence("asterisk", "Asterisk wrote it")
    if look.value("x-fusionpbx-email-type").lower() == "voicemail":
        return Evidence("fusionpbx", "X-FusionPBX-Email-Type: voicemail", links_count=False)
    if "x-voicemail-length" in look.message.headers:
        return Evidence("freeswitch", "X-Voicemail-Length is present")
    if message_id.startswith("<mitel-vm-"):
        return Evidence("mitel", "a Mitel Message-ID")
    if (
        re.search(r"voice-ca\b|voice\.ca\b", look.value("content-class").lower())
        or ".voicemail" in look.message.message_class.lower()
    ):
        return Evidence("exchange-um", "Content-Class says voice")
    if re.search(r"\d{2,}", look.value("x-callingtelephonenumber")):
        return Evidence("exchange-um", "X-CallingTelephoneNumber has digits")
    context = look.value("message-context").lower()
    if (
        context == "voice-message"
        or look.message.content_type == "multipart/voice-message"
        or "voice 2.0" in look.value("mime-version").lower()
    ):
        return Evidence("vpim", "says voice message (RFC 3458, RFC 3801)")
    hit = look.has(
        "x-voicemail",
        "x-voicemail-id",
        "x-voice-mail",
        "x-voicemail-from",
        "x-voicemail-caller",
        "x-swyx-voicemail",
        "x-3cx-voicemail",
        "x-cns-media-size",
        "x-callid",
    )
    return Evidence("pbx", f"{hit} is present") if hit and hit != "x-callid" else None


def _by_provider(look: Look, has_audio: bool) -> Evidence | None:
    sender = look.message.author.key
    speaks = _subject(look) or re.search(r"voice ?mail|voice message", look.subject)
    for system, pattern in table.PROVIDERS:
        # Unity's subject is the bare number, or whatever the administrator's template says.
        if pattern.search(sender) and (speaks or (has_audio and system == "cisco-unity")):
            return Evidence(system, f"{system} by its sender and subject")
    if listed(look.message, look.site) and (
        speaks or has_audio or re.search(r"voice|message|call", look.subject)
    ):
        return Evidence("listed", "the sender is on the site's voicemail list", links_count=True)
    return None


def _by_template(look: Look) -> Evidence | None:
    """A subject of the usual templates; the caller sees to the audio. An answer to somebody is no
    template."""
    if look.message.in_reply_to and not look.automatic:
        return None
    found = _subject(look)
    text = look.top[:1200]
    if found is not None and (found[0] != "generic" or _system_like(look)):
        return Evidence(found[0], f"subject {look.message.subject[:60]!r} and a recording")
    says = table.SAYS.search(
        text,
    )
    numbered = re.search(r"\d{5,}", look.subject)
    told = table.DURATION.search(text) or table.MAILBOX.search(text)
    if numbered and told and _robot(look) and "?" not in text:
        return Evidence("generic", "a number, a length or a mailbox, and a recording from a robot's name")
    if says and (_recording(look) or _robot(look) or numbered) and not _personal(look) and "?" not in text:
        return Evidence("generic", "text and attachment of a telephone system")
    return None


def _system_like(look: Look) -> bool:
    """A person may write "Voicemail from your courier" and attach it; a system names a number, a length, a
    mailbox."""
    if _personal(look):
        return False
    text = look.message.text[:3000]
    numbered = (
        re.search(r"\d{3,}", look.message.subject)
        or table.DURATION.search(text)
        or table.MAILBOX.search(text)
    )
    return bool(
        numbered or _robot(look) or look.automatic or (_recording(look) and table.FROM_LINE.search(text))
    )


def _personal(look: Look) -> bool:
    mailer = look.value("x-mailer") + look.value("user-agent")
    return bool(
        re.search(
            r"iphone|ipad|apple mail|thunderbird|outlook express|microsoft outlook|android|k-9|yahoo",
            mailer,
            re.I,
        )
    ) or look.message.text.rstrip().lower().endswith(("sent from my iphone", "sent from my ipad"))


def _recording(look: Look) -> bool:
    names = (one.filename for one in audio_parts(look))
    return any(
        re.match(r"(?:msg\d{3,}|voicemail|voicemessage|vmail\d+|vm[-_]?\d+|msg_[0-9a-f-]{30,})", name, re.I)
        for name in names
    )


def _robot(look: Look) -> bool:
    key = look.message.author.key
    return bool(
        re.match(
            r"(?:voice|vm|i?pb?x|asterisk|freepbx|phone|telefon|tk-?anlage|anlage|unity|sip|voip|ucm|yeastar|3cx|no-?reply|mailbox@|box@|fritz|centralita|standard@|messagerie|anrufbeantworter)",
            key,
        )
    )


def _subject(look: Look) -> tuple[str, re.Match[str]] | None:
    for system, pattern in table.SUBJECTS:
        hit = pattern.match(look.subject)
        if hit:
            return system, hit
    return None


def _links(look: Look) -> tuple[str, ...]:
    found = dict.fromkeys(table.LINK.findall(look.message.text[:20_000]))
    near = [link.rstrip(".,;") for link in found if table.LISTEN.search(link)]
    return tuple(near or [link.rstrip(".,;") for link in found])[:5]


# -- what it says of the call
# ------------------------------------------------------------------------------------


def _details(
    look: Look, evidence: Evidence, audio: tuple[Attachment, ...], links: tuple[str, ...]
) -> Voicemail:
    intro = tuple(one.part for one in audio if len(audio) > 1 and table.INTRO.search(one.filename))
    if len(intro) == len(audio):
        intro = ()
    kept = tuple(one.part for one in audio if one.part not in intro)[: table.MOST_AUDIO]
    name, number = _caller(look)
    made = Voicemail(
        system=evidence.system,
        caller=number,
        caller_name=name,
        audio_parts=kept,
        intro_parts=intro,
        links=links,
    )
    return replace(
        made, mailbox=_mailbox(look), duration_s=_duration(look), text=_transcript(look.message.text)
    )


def _caller(look: Look) -> tuple[str, str]:
    """(name, digits). Header fields first, then the subject, then the text; words for "withheld" are no
    caller."""
    name = _named(
        look.value("x-asterisk-calleridname")
        or look.value("x-asterisk-vm-caller-id-name")
        or look.value("x-voicemessagesendername")
    )
    for field_name in (
        "x-asterisk-callerid",
        "x-asterisk-vm-caller-id-num",
        "x-callingtelephonenumber",
        "x-voicemail-caller",
        "x-voicemail-from",
    ):
        value = look.value(field_name)
        if value:
            more, number = split_caller(value)
            return name or more, number
    for who in _candidates(look):
        more, number = split_caller(who)
        if number or (more and not name):
            name = name or more
        if number:
            return name, number
    return name, ""


def _candidates(look: Look) -> list[str]:
    message = look.message
    found = []
    for _, pattern in table.SUBJECTS:
        hit = pattern.match(message.subject[:300])
        if hit:
            groups = hit.groupdict()
            found.append(
                f"{groups.get('name') or ''} <{groups['num']}>"
                if groups.get("num")
                else groups.get("who") or ""
            )
            break
    text = message.text[:5000]
    found += [hit["who"] for hit in table.FROM_LINE.finditer(text)][:3]
    found += [hit["who"] for hit in table.FROM_TEXT.finditer(text)][:2]
    voice = re.search(r"VOICE=([+\d]{3,20})", f"{message.author.address} {message.headers.get('from')}", re.I)
    if voice:
        found.insert(0, voice[1])
    found += [
        one.name for one in (*message.reply_to[:1], *message.from_[:1]) if re.search(r"\d{4}", one.name)
    ]
    local = message.author.address.partition("@")[0]
    if re.fullmatch(r"\+?\d{5,15}", local):
        found.append(local)
    if re.fullmatch(table.NUMBER, message.subject.strip()):
        found.append(message.subject)
    return [one for one in found if one.strip()]


def split_caller(value: str) -> tuple[str, str]:
    """(name, digits with a leading + where given) of "Name" <number> and its like; "" for withheld ones."""
    value = value.strip()
    leading = re.match(r"\"?(?P<name>[^\"<>]{0,80})\"?\s*<(?P<number>[^<>]{1,40})>", value)
    if leading:
        value = f"{leading['name']} <{leading['number']}>"
    value = value.strip("\"' ")
    bracketed = re.search(r"[<(\[]\s*([^<>()\[\]]*?)\s*[>)\]]\s*$", value)
    number = ""
    if bracketed and re.search(r"\d{2}", bracketed[1]):
        number, value = bracketed[1], value[: bracketed.start()]
    else:
        hit = re.search(table.NUMBER, value)
        if hit:
            number, value = hit[0], value[: hit.start()] + value[hit.end() :]
    digits = ("+" if number.strip().startswith(("+", "(+")) else "") + re.sub(r"\D", "", number)
    if table.NO_CALLER.match(number.strip() or "-") or table.NO_CALLER.match(digits or "-"):
        digits = ""
    return _named(re.sub(r"\bon [\d/.]+.*$", "", value)), digits[:20]


def _named(value: str) -> str:
    name = value.strip().strip("\"'<>()[]:;,- ").strip()
    name = re.sub(r"(?:^|\s)(?:at(?: ext\.?)?|x|ext\.?|extension)$", "", name, flags=re.I)
    return "" if table.NO_CALLER.match(name) or not re.search(r"[^\W\d_]", name) else name[:100]


def _mailbox(look: Look) -> str:
    for _, pattern in table.SUBJECTS:
        hit = pattern.match(look.message.subject[:300])
        if hit and hit.groupdict().get("mb"):
            return hit["mb"][:40]
    for value in (look.value("x-asterisk-vm-extension"), look.value("x-voicemail-mailbox")):
        if value:
            return value[:40]
    hit = table.MAILBOX.search(look.message.text[:5000])
    return hit["mb"] if hit else ""


def _duration(look: Look) -> float | None:
    for name in (
        "x-voicemail-length",
        "x-voicemessageduration",
        "x-asterisk-vm-duration",
        "content-duration",
    ):
        value = look.value(name)
        if re.fullmatch(r"\d{1,6}(?:\.\d+)?", value):
            return float(value)
    subject = _subject(look)
    if subject is not None:
        groups = subject[1].groupdict()
        if groups.get("secs"):
            return float(groups["secs"])
        if groups.get("len") and ":" in groups["len"]:
            return _clock(groups["len"])
    hit = table.DURATION.search(look.message.text[:5000]) or table.DURATION.search(look.message.subject[:300])
    if hit is None:
        return None
    if hit["secs"] or hit["secs2"]:
        return float(hit["secs"] or hit["secs2"])
    return int(hit["h"] or 0) * 3600.0 + int(hit["m"] or hit["m2"]) * 60 + int(hit["s"] or hit["s2"])


def _clock(text: str) -> float:
    seconds = 0
    for part in text.split(":"):
        seconds = seconds * 60 + (int(part) if part.isdigit() else 0)
    return float(seconds)


def _transcript(text: str) -> str:
    """The telephone system's own transcript, without what stands around it."""
    hit = table.TRANSCRIPT.search(text[:20_000])
    if hit is None:
        return ""
    found = hit["text"].strip()
    inner = table.INNER_TRANSCRIPT.match(found)  # voip.ms puts locale and confidence first
    words = table.AFTER_TRANSCRIPT.split(inner["text"] if inner else found, maxsplit=1)[0].strip()
    return "" if table.NO_TRANSCRIPT.match(words) else words[:5000]
