"""What each line of a message is: own words, quotation, attribution, header block, signature.

Promises: classify never raises, looks at each line a bounded number of times, and gives exactly one kind a
line. Fails by not knowing a form, and then says TEXT: what is not known is kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mailbridge.mail.quotes_words import FORWARD_WORDS, LABELS, LEAD, LONGEST_LABEL, ORIGINAL_WORDS, VERB

# Bounds, so that hostile text costs linear time: longer lines are never marks, and what follows after
# MAX_LINES is only told apart by its ">".
MAX_LINE: Final = 400
MAX_LINES: Final = 30_000
MAX_ATTRIBUTION_LINES: Final = 6
MAX_BLOCK_LINES: Final = 30
MAX_ATTEMPTS: Final = (
    2_000  # lines looked at for an attribution or block: each costs up to half a millisecond
)
_VERB_TAIL: Final = 30


class Kind(Enum):
    """What a line is."""

    BLANK = "blank"
    TEXT = "text"
    QUOTE = "quote"
    ATTRIBUTION = "attribution"  # "On ... wrote:"
    HISTORY = "history"  # from here to the end somebody else's words, without marks
    FORWARD = "forward"  # like HISTORY, and the client said that it forwards
    RULE = "rule"  # a line of dashes or underscores
    SIGNATURE = "signature"
    MOBILE = "mobile"  # "Sent from my iPhone"


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end. kind is what HTML structure knows of it, or None."""

    text: str
    kind: Kind | None = None


_RULE = re.compile(r"[-_=*~–—\s]{5,}\Z")
_DELIMITER = re.compile(r"\s{0,3}(?:--|—|––|__)\s{0,3}\Z")
_FRAME = frozenset("-–—_=*")
_YEAR = r"(?:19|20)\d\d"
_DATE = re.compile(
    rf"(?<!\d)(?:{_YEAR}(?!\d)|\d{{1,2}}[./-]\d{{1,2}}[./-]\d{{2,4}}|\d{{1,2}}[.:h]\d\d(?!\d)|\d{{4}}년"
    rf"|\d{{4}}年)"
)
_TIME = re.compile(r"(?<!\d)\d{1,2}\s?[.:h]\s?\d\d(?!\d)")
_ADDRESS = re.compile(r"[^\s<>@]{1,64}@[^\s<>@]{1,255}")
_ISO_NAME = re.compile(
    r"\d{4}-\d\d-\d\d \d\d?:\d\d(?::\d\d)? (?:GMT|UTC)[+-]\d\d:?\d\d (?:[^\W\d_][^\s:;,=()]{0,30} ?){1,5}:?\Z"
)
_SENTENCE_END = re.compile(r"[.!?。！？]\s*\Z")


def unquoted(text: str) -> str:
    """The line without its quote marks ("> > ")."""
    stripped = text.lstrip(" \t\xa0")
    while stripped.startswith((">", "|")) and not stripped.startswith(">From "):
        stripped = stripped[1:].lstrip(" \t\xa0")
    return stripped


def is_quote(text: str) -> bool:
    """Marked as quoted. "|" is a mark only where a table cannot begin."""
    stripped = text.lstrip(" \t\xa0")
    return stripped.startswith((">", "＞")) and not stripped.startswith(">From ")


def header_label(text: str) -> tuple[str, str] | None:
    """(field, value) where the line is a header of a quoted block: "*Von:* X", "Subject : X", "件名：X"."""
    line = unquoted(text[: MAX_LINE * 4])
    cut = min((at for at in (line.find(":"), line.find("："), line.find("∶")) if at >= 0), default=-1)
    if cut < 1 or cut > LONGEST_LABEL + 8:
        return None
    label = line[:cut].strip("*_ \t\xa0[]").casefold()
    field = LABELS.get(label)
    return (field, line[cut + 1 :].strip("*_ \t\xa0")) if field else None


def header_block(lines: Sequence[str], start: int) -> tuple[int, dict[str, str]] | None:
    """(line after the block, value by field) where a block of headers begins at start.

    Outlook writes such a block above unmarked history, most clients above a forwarded mail. Needed: a sender,
    two more fields, one of them subject or date, and a subject or an address, so that "From: Paris / To:
    London" of a travel desk is text.
    """
    fields: dict[str, str] = {}
    seen: Counter[str] = Counter()
    last, at, end, blanks = "", start, start, 0
    while at < min(len(lines), start + MAX_BLOCK_LINES):
        line = lines[at]
        body = unquoted(line[: MAX_LINE * 4])
        found = header_label(line)
        if found:
            last = found[0]
            seen[last] += 1
            if seen[last] > (1 if last in ("from", "subject") else 4):
                break
            fields[last] = f"{fields.get(last, '')} {found[1]}".strip()
            end, blanks = at + 1, 0
        elif not body:
            blanks += 1
            if blanks > 1:
                break
        elif blanks == 0 and _continues(line, body, last):
            fields[last] = f"{fields[last]} {body}".strip()
            end = at + 1
        else:
            break
        at += 1
    known = {"from", "sent", "to", "cc", "subject"} & fields.keys()
    enough = "from" in known and len(known) >= 3 and known & {"sent", "subject"}
    if not enough or not ("subject" in known or any("@" in value for value in fields.values())):
        return None
    return end, fields


def _continues(line: str, body: str, last: str) -> bool:
    """A long list of recipients goes on on the next line; so does a folded subject, when it is indented."""
    if last in ("to", "cc", "from"):
        return "@" in body or body.endswith((";", ","))
    return bool(last) and line.startswith(("\t", "    ")) and len(body) < 120


def framed_words(text: str) -> str:
    """The words between dashes ("-----Original Message-----"), casefolded, or ""."""
    line = text[: MAX_LINE + 1].strip("> \t\xa0")
    if len(line) > MAX_LINE or len(line) < 6 or not set(line[:2]) <= _FRAME or not set(line[-2:]) <= _FRAME:
        return ""
    words = line.strip("-–—_=*: \t\xa0")
    return re.split(r"[-–—]{2}", words, maxsplit=1)[0].strip(" *_.:").casefold()


def separator(text: str) -> Kind | None:
    """HISTORY for "-----Original Message-----", FORWARD for "Begin forwarded message:", as known."""
    if not text or len(text) > MAX_LINE:
        return None
    bare = unquoted(text).strip("*_ \t\xa0").casefold()
    if bare.endswith((":", "：")) and bare.rstrip(":： ").strip() in FORWARD_WORDS:
        return Kind.FORWARD
    words = framed_words(text)
    if words in ORIGINAL_WORDS:
        return Kind.HISTORY
    if words in FORWARD_WORDS or words.startswith("forwarded by "):
        return Kind.FORWARD
    return _one_line_forward(bare)


def _one_line_forward(bare: str) -> Kind | None:
    """Yahoo puts marker and headers on one line: "----- Forwarded message ----- From: X <x@y>To: ..."."""
    if not bare.startswith("---"):
        return None
    words, dashes, rest = bare.lstrip("- \t\xa0").partition("---")
    if dashes and rest and words.strip(" -:") in FORWARD_WORDS | ORIGINAL_WORDS:
        return Kind.FORWARD if words.strip(" -:") in FORWARD_WORDS else Kind.HISTORY
    return None


def _plausible_start(line: str) -> bool:
    """Whether an attribution or a header block may begin here; keeps the costly tests off ordinary lines."""
    head = line.lstrip("*_-–—> \t\xa0\ufeff")[:90]
    return bool(head) and (
        any(c.isdigit() for c in head[:32])
        or "<" in head
        or "@" in head
        or bool(LEAD.match(head))
        or ":" in head[: LONGEST_LABEL + 8]
        or "：" in head[: LONGEST_LABEL + 8]
    )


def _is_attribution(text: str) -> bool:
    """A whole attribution, joined to one line."""
    line = text.strip("*_-–— \t\xa0\ufeff>")
    colon = text.rstrip("*_ \t\xa0").endswith((":", "："))
    verb = VERB.search(line, 0 if colon else max(0, len(line) - _VERB_TAIL))
    if not colon and not verb:
        return bool(_ISO_NAME.match(line))  # the common case, without the searches below
    date, address = bool(_DATE.search(line)), bool(_ADDRESS.search(line))
    if colon and date and address and _TIME.search(line):
        return True  # any language
    if verb and colon:
        return date or address or bool(re.match(r"(?:at|on)\b", line, re.IGNORECASE) and _TIME.search(line))
    if verb and date and line.endswith(verb[0]) and (address or LEAD.match(line)):
        return True
    return bool(_ISO_NAME.match(line))


def attribution_end(lines: Sequence[str], start: int) -> int:
    """Line after the attribution that begins at start, or 0. Clients wrap it over up to six lines."""
    first = lines[start]
    if len(first) > MAX_LINE or not _plausible_start(first):
        return 0
    if _is_attribution(first):
        return start + 1
    if not _may_wrap(first):
        return 0
    joined, blanks = first.strip(), 0
    for at in range(start + 1, min(len(lines), start + 2 * MAX_ATTRIBUTION_LINES)):
        line = lines[at].strip()
        if not line:
            blanks += 1
            continue
        if blanks > 2 or len(joined) + len(line) > MAX_LINE or attribution_begins(line):
            return 0
        joined = f"{joined} {line}"
        if _is_attribution(joined):
            return at + 1
        if line.startswith(">") and "@" not in line and not VERB.search(line):
            return 0
    return 0


def attribution_begins(line: str) -> bool:
    """Begins like an attribution with a date, so that a wrapped one cannot have begun above it."""
    return bool(LEAD.match(line) and _DATE.search(line[:60]))


def _may_wrap(first: str) -> bool:
    head = first.strip("*_- \t\xa0\ufeff")
    if _SENTENCE_END.search(head) and not head[-2:-1].isupper():
        return False
    return bool(_DATE.search(head) or (LEAD.match(head) and any(c.isdigit() for c in head[:40]))) or (
        bool(_ADDRESS.search(head)) and len(head) < 160
    )


# A mobile signature is a whole short line. Sorted by certainty: what names a device or a mail program may say
# more ("please excuse typos"); the rest must be the bare phrase.
_DEVICE = (
    r"(?:i\s?phone|i\s?pad|i\s?pod|android|blackberry|galaxy|samsung|huawei|xiaomi|nokia|htc|sony|motorola"
    r"|oneplus|pixel"
    r"|mobile|mobil\w*|smartphone|handy\w*|handheld|phone|cell\w*|tablet\w*|telefon\w*|téléphone|móvil"
    r"|celular|cellulare"
    r"|telemóvel|telefoon|puhelin\w*|komórk\w*|outlook|yahoo|gmail|mail|mailbox|mailspring|airmail|sparrow"
    r"|spark|proton\w*"
    r"|thunderbird|k-9|aquamail|aol|gmx|web\.de|windows|nine|bluemail|newton|polymail|superhuman|hey"
    r"|tutanota|tuta|myMail"
    r"|mac\w*|apple|lumia|wiko|alcatel|lg|zte|fairphone|телефон\w*|смартфон\w*|айфон\w*|планшет\w*|почт\w*"
    r"|пошт\w*|устройств\w*)"
)
_MOBILE = re.compile(
    r"[<(\[\s*_]*(?:"
    rf"sent (?:from|via|with|using|by) (?:my |a |an |the )?.{{0,40}}{_DEVICE}.{{0,80}}"
    r"|sent from my [\w-]{1,20}(?: [\w-]{1,20}){0,4}(?:[.,] .{0,60})?"
    r"|sent from [A-Z]\w{1,20}(?: [A-Z]\w{1,20}){0,2}"
    rf"|(?:[\w.]{{1,20}} )?(?:from|via) (?:my |a )?{_DEVICE}(?: \w{{1,10}}){{0,2}}"
    r"|(?:get|download|holen sie sich|laden sie|téléchargez|télécharger|obtenir|obtenez|obtener|obtén"
    r"|descargar?|scarica"
    r"|ottieni|download|obter|baixar|hämta|hent|hanki|pobierz|stáhnout|získat|získajte|загрузить|скачать"
    r"|outlook beszerzése"
    r"|obțineți|ladda ned|få|preuzmite)\W{1,3}(?:\w{1,10} )?outlook\b.{0,140}"
    r"|outlook (?:für|for|pour|para|per|voor|til|för) (?:ios|android)\b.{0,100}"
    rf"|vo[nm] (?:mein\w{{0,2}} .{{0,30}}{_DEVICE}.{{0,30}}|unterwegs )(?:gesendet|geschickt|verschickt)"
    rf"|(?:diese (?:nachricht|e-?mail|mail) wurde|gesendet|verschickt|geschickt) (?:von|vom|mit|über|aus|via"
    rf"|per)\b.{{0,100}}"
    r"|(?:envoyé|envoyée|envoyer|expédié|provenance|télégraphié) (?:de |d'|du |depuis |à partir |par |avec "
    r"|via |: ).{0,100}"
    r"|(?:enviado|enviada|enviat) (?:desde|do|de|da|del|a partir|por|com|con|via|através|pelo|des)\b.{0,100}"
    r"|(?:inviato|inviata|spedito) (?:da|dal|dall'|dallo|con|tramite|via)\b.{0,100}"
    r"|(?:verzonden|verstuurd) (?:met|vanaf|van|via|door|vanuit|met mijn)\b.{0,100}"
    r"|(?:skickat|skickades) (?:från|med|via)\b.{0,100}"
    r"|(?:sendt|sent) (?:fra|med|via)\b.{0,100}"
    r"|(?:lähetetty|hanki) .{0,100}"
    r"|(?:odesláno|odoslané|odosláno|posláno|odesílám) (?:z|ze|zo|pomocou|pomocí|prostřednictvím)\b.{0,100}"
    r"|(?:wysłane|wysłano|wysłana) (?:z|ze|za pomocą|przez|przy)\b.{0,100}"
    r"|(?:poslano|poslato) (?:s|sa|iz|z|pomoću|preko)\b.{0,100}"
    r"|(?:отправлено|послано) (?:с|со|из|через|от)\b.{0,100}"
    r"|(?:надіслано|відправлено) (?:з|із|зі|через|від)\b.{0,100}"
    r"|(?:trimis|trimisă) (?:de pe|din|cu|prin)\b.{0,100}"
    r"|saadetud (?:minu|seadmest|rakendusega)\b.{0,100}"
    r"|(?:изпратено) (?:от|с|чрез)\b.{0,100}"
    r"|(?:στάλθηκε|εστάλη) από.{0,100}"
    r"|(?:đã gửi|được gửi|gửi) từ .{0,100}|dikirim dari .{0,100}"
    r"|[^\s]{1,30}(?:['’]?\w{2,5})? (?:gönderildi|üzerinden gönderildi)\.?"
    r"|.{0,60}(?:telefonumdan|cihazımdan|iphone['’]?umdan|androidimden).{0,20}gönderildi\.?"
    r"|.{0,60}(?:készülékemről|telefonomról|iphone-omról|ipademről|mobilomról|androidos).{0,40}(?:küldve"
    r"|küldöm)?\.?"
    r"|(?:küldve|elküldve) .{0,60}(?:ról|ről|ból|ből)\.?"
    r"|.{0,30}(?:から送信|からの送信).{0,10}"
    r"|(?:发自|發自|从|從|来自|來自)\s?(?:我的|my).{0,30}|发自.{1,30}|發自.{1,30}"
    r"|.{0,30}에서 보냄\.?|ส่งจาก.{1,40}|נשלח מ.{1,40}|(?:أُ|ا|أ)رسل\w{0,3} من.{1,40}"
    r")[>)\]\s*_.!]*\Z",
    re.IGNORECASE,
)


def is_mobile_signature(text: str) -> bool:
    """A line that a telephone or mail program adds by itself, alone on its line."""
    line = text.strip()
    return 6 < len(line) <= 160 and bool(_MOBILE.match(line))


def is_delimiter(text: str) -> bool:
    """The signature mark: "-- " (RFC 3676 section 4.3) and the forms that clients make of it."""
    return bool(text) and len(text) < 12 and bool(_DELIMITER.match(text))


def is_rule(text: str) -> bool:
    return len(text) <= MAX_LINE and text.strip() != "" and bool(_RULE.match(text))


def classify(lines: Sequence[Line]) -> list[Kind]:
    """The kind of every line. A kind given by HTML structure stands."""
    texts = [line.text for line in lines]
    kinds: list[Kind] = []
    attempts = 0
    while len(kinds) < len(lines):
        at = len(kinds)
        given = lines[at].kind
        if given is not None:
            kinds.append(given)
        elif at >= MAX_LINES:
            kinds.append(_cheap(texts[at]))
        else:
            costly = attempts < MAX_ATTEMPTS and _plausible_start(texts[at])
            attempts += costly
            kinds.extend(_classify_at(texts, at, costly=costly))
    del kinds[len(lines) :]
    _doubt_mobile(texts, kinds)
    return kinds


def _doubt_mobile(texts: Sequence[str], kinds: list[Kind]) -> None:
    """A telephone's line stands alone: "sent from my phone" within a paragraph is what the person wrote."""
    for at, kind in enumerate(kinds):
        if kind is not Kind.MOBILE:
            continue
        goes_on = at + 1 < len(kinds) and kinds[at + 1] is Kind.TEXT
        below_text = at > 0 and kinds[at - 1] is Kind.TEXT
        if goes_on or (below_text and texts[at].lstrip()[:1].islower()):
            kinds[at] = Kind.TEXT


def _cheap(text: str) -> Kind:
    if not text or text.isspace():
        return Kind.BLANK
    return Kind.QUOTE if is_quote(text) else Kind.TEXT


def _classify_at(texts: Sequence[str], at: int, *, costly: bool) -> list[Kind]:
    """The kinds of the line at `at` and of those that belong to the same mark.

    costly: whether the line may be tried as the begin of an attribution or of a block.
    """
    text = texts[at]
    kind = _cheap(text)
    if kind is not Kind.TEXT or len(text) > 4 * MAX_LINE:
        return [kind]
    found = separator(text)
    if found:
        return [found]
    if costly and header_label(text):
        block = header_block(texts, at)
        if block:
            return [Kind.HISTORY] * (block[0] - at)
    end = attribution_end(texts, at) if costly else 0
    if end:
        return [Kind.ATTRIBUTION] * (end - at)
    if is_delimiter(text):
        return [Kind.SIGNATURE]
    if is_rule(text):
        return [Kind.RULE]
    return [Kind.MOBILE if is_mobile_signature(text) else Kind.TEXT]
