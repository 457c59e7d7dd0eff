# ruff: noqa: E501 - tables of patterns: a wrapped pattern is harder to read than a long one
"""Patterns of telephone systems: subjects, senders, lines of text (those that are known, and what others of
the kind write).

Used by rules_voice, which says what each may prove. Subjects are matched on the folded subject, the rest on the text.
"""

from __future__ import annotations

import re

AUDIO_NAME = re.compile(
    r"\.(?:wav|wave|wav49|mp3|gsm|ogg|oga|opus|m4a|mp4a|aac|amr|awb|3gp|3gpp|wma|au|snd|vox|726|g726|g722|raw|ulaw|alaw|g729|spx|flac|aif|aiff|caf|webm|sln)$",
    re.I,
)
INTRO = re.compile(r"intro|greeting|begr(?:ü|ue)ssung", re.I)
MOST_AUDIO = 3
NO_CALLER = re.compile(
    r"^(?:\W*|anonymous|unknown(?: caller| number| name)?|unavailable|asterisk|restricted|private(?: (?:number|caller))?|withheld|blocked|no ?caller ?id|<?no callerid>?|266696687|not available|n/?a|none|null|external|an outside caller|an unknown caller|unbekannt|anonym|inconnu|privé|desconocido|sconosciuto|onbekend|okänd|ukendt|ukjent)$",
    re.I,
)
NUMBER = r"[+(]?\d[\d ().+/\-\u2010-\u2015\u00a0]{2,24}\d|\d{2,}"
SUBJECTS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (system, re.compile(pattern, re.I))
    for system, pattern in (
        ("asterisk", r"^(?:\[[^\]]{1,40}\]: )?new (?:urgent )?message (?P<n>\d+) in mailbox (?P<mb>\S+)"),
        ("asterisk", r"^(?:\[[^\]]{1,40}\]:? ?)?(?:new )?voicemail (?:message )?(?:#?\d+ )?(?:in|for) (?:mailbox|extension) (?P<mb>\d\S*)(?: from (?P<who>.+))?"),
        ("freeswitch", r"^voicemail from \"?(?P<name>.*?)\"? <(?P<num>[^>]*)>(?: (?P<len>\d+:\d\d(?::\d\d)?))?"),
        ("google-voice", r"^new voicemail from (?P<num>[(+\d][\d ().+\-]+)(?: at (?P<time>.+))?$"),
        ("kazoo", r"^new voicemail from (?P<name>.+?) \((?P<num>[^)]+)\)$"),
        ("ringcentral", r"^new voice message from (?P<who>.+?)(?: on (?P<date>[\d/.]+.*))?$"),
        ("twilio", r"^new voicemail message from (?P<who>.+)$"),
        ("inter-tel", r"^(?:priority )?(?P<len>\d+\S*) (?:.{0,12} )?message for mb (?P<mb>\d+) from (?P<who>.+)$"),
        ("matrix", r"^\[vms\] .*message received (?:for \S+ )?from (?P<who>\S+)$"),
        ("webex", r"^voice message attached from (?P<num>[+(]?\d[\d ().\-]{2,}\d)(?: - (?P<name>.+))?$"),
        ("exchange-um", r"^voice ?mail \((?P<secs>\d+) (?:seconds?|sek\w*|secondes?|segundos?|secondi|seconden)\)"),
        ("exchange-um", r"^voice ?mail from (?P<who>.+?) ?\((?P<secs>\d+) seconds?\)"),
        ("generic", r"^(?:you have |you['’]ve )?(?:received )?(?:an? )?(?:new |urgent )*(?:voice ?mail|voice[ -]message|vm|audio message)(?: message)?(?: received| notification| waiting)?(?:\s*[:(-]|\s+(?:from|by|for|in|on)\s+|\s*$)(?P<who>.*)$"),
        ("generic", r"^(?:message|call|voicemail) (?:from|left by) (?P<who>[+(]?\d[\d ().\-]{3,})"),
        ("generic", r"^(?:neue |sie haben eine )?(?:neue )?(?:sprach(?:nachricht|mitteilung)|voicemail(?:nachricht|-nachricht)?|mailbox-?nachricht|nachricht auf (?:ihrer|der) (?:mailbox|voicebox)|sprachbox|anrufbeantworter|ab-nachricht)(?: von | vom |\s*[:(]|$)(?P<who>.*)$"),
        ("generic", r"^(?:vous avez (?:reçu )?(?:un )?)?(?:nouveau )?message (?:vocal|téléphonique|sur (?:votre )?répondeur)(?: de | du |\s*[:(]|$)(?P<who>.*)$"),
        ("generic", r"^(?:tiene (?:un )?)?(?:nuevo )?(?:mensaje|correo) de voz(?: de |\s*[:(]|$)(?P<who>.*)$"),
        ("generic", r"^(?:hai (?:un )?)?(?:nuovo )?messaggio (?:vocale|in segreteria|di segreteria)(?: da |\s*[:(]|$)(?P<who>.*)$"),
        ("generic", r"^(?:nova )?(?:mensagem de voz|correio de voz)(?: de |\s*[:(]|$)(?P<who>.*)$"),
        ("generic", r"^(?:nieuw(?:e)? )?(?:voicemail ?bericht|spraakbericht|voicemail)(?: van |\s*[:(]|$)(?P<who>.*)$"),
        ("generic", r"^(?:nytt |ny |nyt )?(?:röstmeddelande|talemelding|talebesked|telefonsvarbesked|voicemail)(?: från | fra |\s*[:(]|$)(?P<who>.*)$"),
        ("generic", r"^(?:nowa )?(?:wiadomość głosowa|poczta głosowa)(?: od |\s*[:(]|$)(?P<who>.*)$"),
        ("generic", r"^(?:новое )?голосовое сообщение(?: от |\s*[:(]|$)(?P<who>.*)$"),
        ("generic", r"^(?:新しい)?(?:ボイスメール|留守番電話|音声メッセージ)|^(?:新的?)?(?:语音(?:邮件|留言|信箱)|語音(?:郵件|留言|信箱))|^(?:새 )?음성 ?(?:메일|메시지|사서함)"),
    )
)  # fmt: skip
# Providers by the sender's domain; a subject of theirs must fit too.
PROVIDERS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (system, re.compile(pattern, re.I))
    for system, pattern in (
        ("ringcentral", r"@(?:[\w.-]+\.)?ringcentral\."),
        ("google-voice", r"^voice-noreply@google\.com$|@txt\.voice\.google\.com$"),
        ("vonage", r"@(?:[\w.-]+\.)?vonage(?:business)?\."),
        ("8x8", r"@(?:[\w.-]+\.)?8x8\."),
        ("zoom", r"@(?:[\w.-]+\.)?zoom\.(?:us|com)"),
        ("webex", r"@(?:[\w.-]+\.)?(?:webex|broadsoft|broadcloud)\."),
        ("teams", r"@(?:[\w.-]+\.)?(?:voicemail\.)?(?:teams|microsoft|skype)\."),
        ("dialpad", r"@(?:[\w.-]+\.)?dialpad\."),
        ("grasshopper", r"@(?:[\w.-]+\.)?grasshopper\."),
        ("nextiva", r"@(?:[\w.-]+\.)?nextiva\."),
        ("ooma", r"@(?:[\w.-]+\.)?ooma\."),
        ("justcall", r"@(?:[\w.-]+\.)?justcall\."),
        ("aircall", r"@(?:[\w.-]+\.)?aircall\."),
        ("openphone", r"@(?:[\w.-]+\.)?openphone\."),
        ("sipgate", r"@(?:[\w.-]+\.)?(?:sipgate|satellite)\."),
        ("placetel", r"@(?:[\w.-]+\.)?(?:placetel|nfon|starface|easybell|peoplefone)\."),
        ("telekom", r"@(?:[\w.-]+\.)?(?:t-online|telekom|o2|vodafone)\.de$"),
        ("3cx", r"@(?:[\w.-]+\.)?3cx\."),
        ("voip.ms", r"@(?:[\w.-]+\.)?voip\.ms$"),
        ("twilio", r"@(?:[\w.-]+\.)?twi(?:lio|mlets)\."),
        ("cisco-unity", r"^unity(?:connection)?@"),
    )
)  # fmt: skip
DURATION = re.compile(
    r"(?:length|duration|long|dauer|länge|durée|duración|durata|duração|duur|längd|varighed|czas trwania|длительность)\W{0,4}\s*(?:\"|\t|: )?\s*(?:(?P<h>\d{1,2}):)?(?P<m>\d{1,3}):(?P<s>\d\d)|"
    r"(?:length|duration|dauer|länge|durée|duración|durata|duração|duur)\W{0,4}\s*(?P<secs>\d{1,5})\s*(?:s\b|sec|sek)|\b(?P<m2>\d{1,3}):(?P<s2>\d\d)\s+(?:long|lange?)\b|\((?P<secs2>\d{1,5}) (?:seconds?|sek\w*|secondes?|sec)\)",
    re.I,
)
FROM_LINE = re.compile(
    r"^(?:\W{0,3})(?:from|caller(?: ?id)?|caller number|calling number|call from|von|anrufer|rufnummer|de|appelant|llamante|da|chiamante|van|beller|från|fra|od|от)\s*[:\t]\s*(?P<who>[^\r\n]{1,160})$",
    re.I | re.M,
)
FROM_TEXT = re.compile(
    r"(?:voice ?mail|voice message|message|nachricht|anruf)[^.]{0,80}?\b(?:from|von|de|da|van)\s+(?P<who>\"?[^\n\"<,]{0,60}\"? ?<?(?:"
    + NUMBER
    + r")>?)",
    re.I,
)
MAILBOX = re.compile(
    r"\b(?:mailbox|extension|voicebox|boîte vocale|buzón|casella|nebenstelle|account)\s*(?:#|:|nr\.?|number)?\s*(?P<mb>\d{2,8})\b",
    re.I,
)
TRANSCRIPT = re.compile(
    r"^[^\S\n]*(?:=+ ?)?(?:transcription|transcript|voicemail transcript|message text|preview|voicemail preview|text of the transcribed voicemail|below is the message transcription[^\n]*|transkription|transkript|abschrift|transcripción|trascrizione|transcrição)(?: ?=+)?\s*[:\n]\s*(?P<text>.+)",
    re.I | re.M | re.S,
)
LINK = re.compile(r"https?://[^\s<>\"')\]]{4,1000}")
LISTEN = re.compile(
    r"listen|play|voice ?mail|voicemail|message|\.mp3|\.wav|record|anhören|abhören|écouter|escuchar|ascolta",
    re.I,
)
SAYS = re.compile(
    r"(?:left|hinterlassen|received|new|have)[^.\n]{0,60}(?:voice ?mail|voice message|long message)|(?:voice ?mail|voice message)[^.\n]{0,30}(?:received|left|waiting|attached)|this e-?mail contains a voice ?mail|in (?:your )?mailbox \d+|neue (?:sprachnachricht|voicemail|nachricht auf)|(?:auf|von)[^.\n]{0,40}(?:anrufbeantworter|sprachbox|mobilbox|voicebox)|anrufbeantworter[^.\n]{0,40}(?:nachricht|aufgezeichnet|hinterlassen)|"
    r"(?:nouveau |un )message (?:vocal|sur (?:votre|le) (?:répondeur|messagerie))|(?:nuevo |un )?mensaje de voz|(?:nuovo )?messaggio (?:vocale|in segreteria)|(?:nova )?mensagem de voz|(?:nieuw )?(?:voicemailbericht|spraakbericht)|röstmeddelande|talebesked|talemelding|vastaajaviesti|ääniviesti|wiadomość głosow|nagranie głosowe|hlasov(?:á|ou) (?:zpráv|schránk)|hangüzenet|hangposta|sesli (?:mesaj|posta)|голосово(?:е|й) (?:сообщени|почт)|голосове повідомлення|ボイスメール|留守番電話|伝言メッセージ|语音(?:邮件|留言|信箱)|語音(?:郵件|留言|信箱)|음성 ?(?:메일|메시지|사서함)"
)
AFTER_TRANSCRIPT = re.compile(
    r"\n\s*\n\s*\n|\n(?:play message|listen|click|to listen|-- |confidence|locale|audio|date|time|account)\b",
    re.I,
)
INNER_TRANSCRIPT = re.compile(
    r"(?:(?:locale|confidence|language)\s*:[^\n]*\n\s*)+(?:message|text)\s*:\s*(?P<text>.+)", re.I | re.S
)
NO_TRANSCRIPT = re.compile(r"unable to transcribe|not available|preview not available|\(?no transcri", re.I)
