"""The lines that telephones and mail programs add by themselves ("Sent from my iPhone"), in many languages.

Promises: linear, never raises. Fails by not knowing a form: then the line stays.
"""

from __future__ import annotations

import re
from typing import Final

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
    rf"|vo[nm] (?:mein[\w/]{{0,12}} .{{0,30}}{_DEVICE}.{{0,30}}|unterwegs )(?:gesendet|geschickt|verschickt)"
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


# Of any language: a few words with the program and the system, or with a device and "sent".
_STORE: Final = re.compile(r"outlook|bluemail|typeapp|\bmail for ios", re.IGNORECASE)
_SYSTEM: Final = re.compile(r"\b(?:ios|android|mac)(?:\b|[-'’]?\w{0,4}\b)|iOS|Android", re.IGNORECASE)
_GADGET: Final = re.compile(
    r"iphone|ipad|galaxy|windows|android|huawei|xiaomi|samsung|هاتف|телефон|handy|mobil", re.IGNORECASE
)
_SENT: Final = re.compile(
    r"s[ūu]tīt|išsiųst|enviado dende|bidalia|sen(?:d?t) úr|发送自|发自|傳送|보냈|보냄"
    r"|terkirim|dihantar|dikirim|נשלח"
    r"|ارسال شده|भेजा गया|gönderildi|küldve|dërguar|poslano|испратено|გაგზავნ|ուղարկ|göndərilib|жіберілді",
    re.IGNORECASE,
)
_ADVERT: Final = re.compile(r"(?:yahoo mail: search, organi[sz]e, conquer|sent with shift)\s*", re.IGNORECASE)
_TALK: Final = re.compile(
    r"\b(?:i|we|my|you|ich|wir|mein|je|mon|nous|yo|mi|use|works?|not|no)\b", re.IGNORECASE
)
_WITHOUT: Final = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]|[<(]https?://[^\\s<>()]{1,100}[>)]")


def is_mobile_signature(text: str) -> bool:
    """A line that a telephone or mail program adds by itself, alone on its line."""
    line = text.strip()
    if not 6 < len(line) <= 160:
        return False
    return bool(_MOBILE.match(line)) or _is_short_advert(_WITHOUT.sub("", line).strip())


def _is_short_advert(line: str) -> bool:
    if len(line.split()) > 7 or line.endswith(("?", "!", ":", ",")):
        return False
    if _GADGET.search(line) and _SENT.search(line):
        return True
    advertises = bool(_STORE.search(line) and _SYSTEM.search(line)) and not line.endswith(".")
    return bool(_ADVERT.fullmatch(line)) or (advertises and not _TALK.search(line))
