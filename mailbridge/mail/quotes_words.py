# ruff: noqa: E501 - tables of words, easier to read and to add to in long rows
"""What mail clients write around quoted history, in the languages of the people who write to support desks.

Tables only. The words were collected from what the clients show in each language (Outlook, Gmail, Apple Mail,
Thunderbird, Yahoo, Lotus Notes, mobile clients). Everything is compared in casefolded form. A word that is
missing means that history stays in the new text, never that a person's words are lost.
"""

from __future__ import annotations

import re
from typing import Final


def _rows(table: str) -> tuple[str, ...]:
    return tuple(row.strip() for row in re.split(r"[|\n]", table) if row.strip())


# Labels of a header block, by field. A block counts only with a sender and two more fields, so that the short
# words (A, An, Do, De) do no harm.
_LABELS: Final = {
    "from": """from|von|de|da|van|från|fra|lähettäjä|od|feladó|kimden|gönderen|от|от кого|від|від кого|saatja|expéditeur
        remitente|mittente|afzender|remetente|expeditor|expeditorul|de la|šalje|pošiljatelj|nadawca|отправитель
        відправник|avsändare|avsender|afsender|absender|odesílatel|odosielateľ|nuo|siuntėjas|no|sūtītājs|από|発件人
        差出人|送信者|发件人|寄件者|寄件人|보낸 사람|보낸사람|发送人|từ|người gửi|dari|จาก|من|מאת|frá|sendandi|за|
        изпратено от|подател|nork|шаље|кімнен|од|från och med|expedidor|kirjutas|kimlik|شروع از|از|प्रेषक|mula sa|daripada|ot""",
    "sent": """sent|date|gesendet|datum|envoyé|envoyé le|date d'envoi|enviado|enviado el|enviada em|enviado em|enviada
        fecha|data|data/ora|inviato|inviata|data invio|verzonden|verstuurd|verzonden op|skickat|skickades|dato|sendt
        lähetetty|päivämäärä|päiväys|odesláno|odoslané|dátum|odoslal|elküldve|küldve|küldés ideje|gönderildi|gönderme
        tarih|gönderme tarihi|gönderilme|gönderilen|отправлено|дата|дата отправки|надіслано|відправлено|saadetud
        kuupäev|saatmisaeg|trimis|data trimiterii|trimisă|dată|poslano|poslato|datum slanja|wysłano|wysłane|data wysłania|išsiųsta
        nosūtīts|datums|στάλθηκε|ημερομηνία|送信日時|日付|送信日|日時|发送时间|发送日期|日期|時間|时间|寄件日期|傳送時間
        보낸 날짜|날짜|보낸 시간|đã gửi|ngày|ngày gửi|dikirim|tanggal|dihantar|วันที่|ส่งเมื่อ|تاريخ الإرسال|التاريخ
        تم الإرسال|נשלח|תאריך|enviat|enviat el|enviado a las|noiz|bidalia|послато|датум|испратено|жіберілді|भेजा गया|दिनांक|तारीख|فرستاده شده|تاریخ
        sent at|sent on|received|on|изпратено|sendingartími|dagsetning|sent date|time|heure
        hora|ora|uhrzeit|gesendet am|date de l'envoi|erstellt|when""",
    "to": """to|an|à|a|para|aan|till|til|vastaanottaja|komu|do|címzett|kime|alıcı|кому|saaja|adressaat|kellele|către|catre|prima|za
        primatelj|odbiorca|destinataire|destinatario|destinatari|per|pro|pre|příjemce|empfänger|mottagare|mottaker
        modtager|ontvanger|kam|kas|gavėjas|προς|宛先|收件人|收件者|받는 사람|받는사람|đến|tới|kepada|ถึง|إلى|אל|til handa
        per a|nori|за|кімге|प्रति|به|do wiadomości
        до|destinatarul|destinatário|pentru|i̇leti|получатель|одержувач|rcpt""",
    "cc": """cc|kopie|kopi|kopia|kopia do|copia|copie|copie à|cópia|c.c.|dw|dw.|udw|másolat|másolatot kap|masolat
        másolatot kapja|bilgi|копия|копія|kópia|koopia|копие|ccn|bcc|bilgi (cc)|kopio|抄送|副本|参照|참조|cc'ye
        κοιν.|κοινοποίηση|نسخة|עותק|skrytá|skrytá kopie|скрытая копия|skjult kopi|gizli|kóp|copia oculta|cci|cco
        blindkopie|tembusan|đồng gửi|kopija|tik.|tk|kopiena|สำเนา""",
    "subject": """subject|betreff|betr.|objet|asunto|assunto|oggetto|onderwerp|ämne|emne|aihe|otsikko|předmět|predmet|tárgy
        konu|тема|teema|subiect|subiectul|naslov|temat|tema|θέμα|件名|主题|主題|主旨|标题|제목|chủ đề|tiêu đề|perihal
        subjek|เรื่อง|หัวเรื่อง|الموضوع|נושא|temats|zadeva|предмет|наслов|gaia|тақырып|विषय|относно|efni|titel|sujet|título|predmeta|titlu|judul|موضوع""",
    "reply-to": """reply-to|reply to|antwort an|antworten an|répondre à|responder a|responder para|rispondi a
        antwoord aan|svar till|svar til|svara till|vastaa|vastausosoite|odpovědět komu|odpowiedz do|ответить
        odpověď komu|válaszcím|yanıt|yanıtla|yanıtlama adresi|返信先|回复|回复至|回覆|답장""",
    "other": """importance|priority|priorität|wichtigkeit|importancia|importance haute|prioridad|prioridade|priorité
        attachments|attachment|anlagen|anlage|anhang|pièces jointes|pièce jointe|adjuntos|datos adjuntos|anexos
        allegati|bijlagen|bijlage|bilagor|vedlegg|vedhæftede filer|liitteet|přílohy|załączniki|mellékletek|ekler
        вложения|вкладення|atașamente|prilozi|sensitivity|vertraulichkeit|organization|organisation|message-id
        newsgroups|resent-from|sent by|gesendet von|envoyé par|mailed-by|signed-by|delivered-to|list-id|in-reply-to
        references|x-mailer|return-path|content-type|mime-version|user-agent|添付ファイル|附件|첨부""",
}
LABELS: Final[dict[str, str]] = {
    word.casefold(): field for field, table in _LABELS.items() for word in _rows(table)
}
LONGEST_LABEL: Final = max(len(word) for word in LABELS)

# A verb of an attribution line ("On ... X wrote:"). Written as patterns, because some stand around the name.
_VERBS: Final = _rows(r"""
    wrote|writes|has written|said
    schrieb|schreibt|hat geschrieben|geschrieben
    a écrit|a ecrit|écrit|a écrits|écrivait|écrivit
    escribió|escribio|ha escrito|escrito
    escreveu|escreveu-nos|escribiu
    ha scritto|scrive|scritto|scriveva
    schreef|heeft geschreven|geschreven|heeft.{1,200}geschreven
    skrev|har skrivit|har skrevet|følgende
    kirjoitti|kirjoittaa
    napsal|napsala|napsal\(a\)|napísal|napísala|napísal\(a\)|píše|napsal/a
    napisał|napisała|napisał\(a\)|pisze|pisał|pisał\(a\)
    napisao|napisala|napisao/la|je napisao/la|napisal\(a\)|je napisal|je napisala|napisao\(la\)|piše
    написал|написала|написал\(а\)|пишет|писал|писала|написав|написала|написав\(ла\)|пише|написа|писав|писал\(а\)|писали
    írta|irta|ezt írta|ezt írta időpontban
    yazdı|şunu yazdı|şunları yazdı|yazdi|tarihinde yazdı
    kirjutas|kirjutas järgmist|kirjutab
    a scris|scris|scrie
    rašė|parašė|rakstīja|raksta
    έγραψε|έγραψες|γραψε
    写道|寫道|写到|撰写|於|書きました|のメール|さんは書きました|wrote
    작성|작성했습니다|작성함|님이 작성|썼습니다|쓴 글
    đã viết|viết
    menulis|tulis
    เขียน|เขียนว่า
    כתב|כתבה|מאת|كتب|كتبت
    skrifaði|shkroi|va escriure|escrigué|idatzi zuen|scríobh|ysgrifennodd|nagsulat|ha escrit|nagpadala
""")
_TAIL_VERBS = sorted(
    (v for v in set(_VERBS) - {"於", "מאת"} if v.isascii() or v[0].islower()), key=len, reverse=True
)


def _by_first_letter(words: list[str]) -> str:
    """One branch for each letter that a word may begin with: three times as fast as a branch for each word."""
    branches: dict[str, list[str]] = {}
    for word in words:
        branches.setdefault(word[0], []).append(word[1:])
    return "|".join(f"{first}(?:{'|'.join(rests)})" for first, rests in branches.items())


VERB: Final = re.compile(
    r"(?:(?<![^\W_])(?:" + _by_first_letter(_TAIL_VERBS) + r")(?![^\W_])"
    r"|写道|寫道|写到|撰写|書きました|のメール|작성|썼습니다|쓴 글|เขียน|כתב|كتب)",
    re.IGNORECASE,
)

# How an attribution line begins, where it does not begin with the date or the name itself.
LEAD: Final = re.compile(
    r"(?:on|at|in|am|um|le|el|il(?: giorno)?|in data|op|em|no dia|en|a|den|dne|dňa|dana|w dniu|dnia|в|у|от|на|στις|pe"
    r"|la data de|la|în data de|vào|pada|ngày|dia|kuupäeval|tarihinde|em data de|gio|ter|in een bericht|quoting|vom"
    r"|från|fra|hi|в сообщении|datum|de|от|у|на|дня|ти|el día|el dia|data|dato|wiadomość|em seg|den|d\.|på|ma|ti|ke|to"
    r"|pe|la|su|dn\.|dn|ons|tor|fre|lør|søn|man|tir|mån|tis|lör|sön)(?=[\s.,:])",
    re.IGNORECASE,
)

# Horde and IMP: no verb, no date.
QUOTING: Final = re.compile(
    r"(?:quoting|excerpts from|zitat von|citando(?: a)?|citát(?: od)?|citeren|citerar|citerer|citation de|cytat|zacytowano|idézet|"
    r"цитирую|цитата(?: от)?|cituji|cita de|citazione di|lainaus|missatge de|message from|nachricht von)\s",
    re.IGNORECASE,
)
# Who wrote is not named so by a client: a person tells what was written when.
PRONOUN: Final = re.compile(
    r"\b(?:I|we|he|she|they|somebody|someone) (?:have |had |has )?(?:wrote|written|said)\b"
    r"|\b(?:schrieb|schrieben|habe?n?) (?:ich|wir|er|man)\b|\b(?:ich|wir) .{0,80}\bgeschrieben\b"
    r"|\bj.ai écrit|\b(?:nous|ils|elles) (?:avons|ont) écrit|\b(?:il|elle|on) a écrit"
    r"|\bho scritto|\babbiamo scritto|\bhe escrito|\bescribí\b|\bescrevi\b"
    r"|\b(?:schreef|schreven) (?:ik|wij|we|hij)\b|\bskrev (?:jag|jeg|vi)\b|\bя (?:на)?писал[а]?\b|\bmы писали\b",
    re.IGNORECASE,
)
# "##- Please type your reply above this line -##": help desks put it above what they sent.
ABOVE: Final = re.compile(
    r"(?:please |to (?:reply|respond),? )?(?:do not (?:write|type) below|(?:type|write|enter|add)(?: your| a)? (?:reply|response|answer|comment|message)s?"
    r" above|(?:please )?(?:reply|respond|answer)(?: only)?(?: to this (?:e-?mail|message))? above|add your (?:reply|comment) above)"
    r" (?:this|the|these) (?:dotted |dashed |delimiter )?(?:line|message|text)s?(?: to (?:reply|respond|comment))?.{0,40}"
    r"|(?:bitte )?(?:antworten sie (?:bitte )?|(?:geben|schreiben|fügen) sie ihre antwort (?:bitte )?)(?:nur )?(?:oberhalb|über) dieser (?:linie|zeile).{0,30}"
    r"|(?:veuillez |merci de )?(?:répondre|répondez|écrire|saisir|saisissez|écrivez|tapez)(?: votre (?:réponse|message))? au-dessus de cette ligne.{0,30}"
    r"|(?:por favor,? )?(?:responda|escriba|escribe|responder|introduzca|escreva|digite)(?: su| tu| a)?(?: sua)?(?: respuesta| resposta)? (?:por encima de|encima de|arriba de|sobre|acima d)(?:e? )?(?:esta|a) ?(?:línea|linha).{0,30}"
    r"|(?:per favore,? |si prega di )?(?:rispondere|rispondi|scrivi|inserisci|digitare)(?: la)?(?: tua)?(?: risposta)? (?:al di sopra di|sopra) questa (?:riga|linea).{0,30}"
    r"|(?:gelieve )?(?:uw |je )?(?:antwoord|reactie|reageer|antwoorden)(?: graag)? boven deze (?:regel|lijn).{0,30}"
    r"|(?:prosimy |proszę )?(?:odpowiedz|odpowiedzieć|wpisz odpowiedź|pisać)(?: swoją)? (?:nad|powyżej) (?:tą|tej) lini.{0,30}"
    r"|(?:пожалуйста, )?(?:введите|пишите|напишите|вводите)(?: ваш)? ответ (?:над|выше) эт(?:ой|ого|ой) (?:строк|лини).{0,30}",
    re.IGNORECASE,
)

# Lines that stand between an answer and its unmarked history, framed by dashes.
ORIGINAL: Final = _rows("""
    original message|original appointment|original email|original mail|reply message
    ursprüngliche nachricht|originalnachricht|original-nachricht|ursprünglicher termin|ursprüngliche mail
    message d'origine|message original|message initial|message reçu|courrier d'origine|message d\u2019origine
    mensaje original|correo original|mensagem original|mensaje de origen
    messaggio originale|messaggio di origine
    oorspronkelijk bericht|origineel bericht|oorspronkelijke bericht
    ursprungligt meddelande|originalmeddelande|ursprungsmeddelande|oprindelig meddelelse|original meddelelse
    opprinnelig melding|opprinnelig e-post|oprindelig besked|alkuperäinen viesti|original besked
    původní zpráva|původní e-mail|původní email|pôvodná správa|pôvodný e-mail|wiadomość oryginalna
    oryginalna wiadomość|wiadomość pierwotna|treść oryginalnej wiadomości
    eredeti üzenet|eredeti levél|orijinal mesaj|özgün ileti|özgün mesaj|orijinal ileti|orjinal mesaj|asıl ileti
    исходное сообщение|оригинал сообщения|оригинальное сообщение|исходное письмо|первоначальное сообщение
    вихідне повідомлення|оригінальне повідомлення|оригинално съобщение|початкове повідомлення
    algsõnum|algne kiri|originaalkiri|mesaj original|mesajul original|originalna poruka|izvorna poruka
    izvirno sporočilo|originalus laiškas|oriģinālā ziņa|αρχικό μήνυμα|元のメッセージ|オリジナルメッセージ
    原始邮件|邮件原件|原始郵件|原始信件|原邮件|원본 메시지|원본 메일|tin nhắn gốc|thư gốc|pesan asli|mesej asal
    ข้อความต้นฉบับ|الرسالة الأصلية|הודעה מקורית|upprunaleg skilaboð|missatge original
""")
# Lines by which a client says that what follows is forwarded.
FORWARD: Final = _rows("""
    forwarded message|forwarded mail|forwarded email|forwarded by|forwarded letter|forward message
    begin forwarded message|begin forwarded email|inline forwarded message|start of forwarded message
    weitergeleitete nachricht|weitergeleitete mail|anfang der weitergeleiteten nachricht|weitergeleitet von
    anfang der weitergeleiteten e-mail|beginn der weitergeleiteten nachricht|weitergeleitete e-mail
    message transféré|début du message réexpédié|début du message transféré|message réexpédié|message transmis
    courriel transféré|transféré par|début du courriel transféré|message transfèré
    mensaje reenviado|inicio del mensaje reenviado|correo reenviado|reenviado por|mensaje enviado de nuevo
    mensagem encaminhada|mensagem reencaminhada|início da mensagem encaminhada|início da mensagem reencaminhada
    encaminhado por|email encaminhado|início de mensagem reencaminhada
    messaggio inoltrato|inizio messaggio inoltrato|inizio del messaggio inoltrato|inoltrato da|messaggio inoltrata
    doorgestuurd bericht|begin doorgestuurd bericht|doorgestuurde e-mail|doorgezonden bericht|doorgestuurd door
    vidarebefordrat meddelande|vidarebefordrat brev|vidarebefordrat mejl|vidarebefordrat mail
    videresendt meddelelse|videresendt besked|videresendt mail|start på videresendt besked|videresend besked
    videresendt melding|videresendt e-post|videresendt email|begynnelse på videresendt melding
    begin videresendt melding|start på videresendt melding|start på videresendt meddelelse
    välitetty viesti|välitetty viesti alkaa|edelleenlähetetty viesti|välitetyn viestin alku|lähetetty viesti
    přeposlaná zpráva|začátek přeposílané zprávy|přeposlaný e-mail|přeposlaný email|začátek přeposlané zprávy
    přeposílaná zpráva|preposlaná správa|začiatok preposlanej správy|preposielaná správa|začiatok preposielanej správy
    preposlaný e-mail|przekazana wiadomość|początek przekazywanej wiadomości|wiadomość przekazana
    przesłana wiadomość|początek przekazanej wiadomości|przekazywana wiadomość|treść przekazanej wiadomości
    továbbított üzenet|a továbbított levél kezdete|továbbított levél kezdete|továbbított levél|továbbítás kezdete
    a továbbított üzenet kezdete|iletilmiş mesaj|iletilen ileti|iletilen mesaj|i̇letilmiş mesaj|i̇letilen ileti
    i̇leti başlangıcı|i̇letilen mesajın başlangıcı|yönlendirilen ileti|yönlendirilmiş ileti|i̇letilen e-posta
    i̇letilmiş ileti|i̇letilen mesaj|iletilmiş ileti|iletilen e-posta|i̇leti̇len mesaj başlangıcı
    пересылаемое сообщение|пересланное сообщение|перенаправленное сообщение|пересылаемое письмо|пересланное письмо
    начало переадресованного сообщения|начало пересылаемого сообщения|начало переадресованного письма
    начало пересылаемого письма|переадресованное сообщение
    перенаправлене повідомлення|пересланий лист|переслане повідомлення|початок листа, що пересилається
    початок переадресованого повідомлення|початок переспрямованого повідомлення|початок пересланого листа
    переспрямоване повідомлення|початок листа що пересилається|переадресоване повідомлення|пересилане повідомлення
    edastatud kiri|edastatud sõnum|edastatud kirja algus|edasi saadetud kiri|edasisaadetud kiri
    mesaj redirecționat|mesaj redirectionat|mesaj retransmis|început mesaj redirecționat|mesaj transmis mai departe
    începutul mesajului redirecționat|mesaj înaintat|mesaj redirecţionat|începe mesajul redirecționat
    proslijeđena poruka|započni proslijeđenu poruku|početak proslijeđene poruke|prosljeđena poruka
    prosleđena poruka|posredovano sporočilo|persiųstas laiškas|persiųsta žinutė|pārsūtīts ziņojums
    pārsūtītā ziņa|προωθημένο μήνυμα|αρχή προωθημένου μηνύματος|препратено съобщение
    転送メッセージ|転送されたメッセージ|転送されたメール|転送メール|转发的邮件|转发邮件|转发邮件信息|转发的消息
    轉寄郵件|轉寄的郵件|開始轉寄郵件|轉寄信件|下面是被转发的邮件|下面是转发的邮件|以下是转发的邮件|已转发的邮件
    전달된 메시지|전달된 메일|전달된 이메일|thư đã chuyển tiếp|tin nhắn đã chuyển tiếp|thư chuyển tiếp
    pesan terusan|pesan yang diteruskan|mesej yang dimajukan|ข้อความที่ส่งต่อ|رسالة محولة|رسالة معاد توجيهها
    الرسالة المحولة|הודעה שהועברה|framsent skeyti|missatge reenviat|перенасочено съобщение|áframsendur póstur
""")


def fold_words(text: str) -> str:
    """As these words are compared: a Turkish capital I folds to an i with a dot of its own."""
    return text.casefold().replace("\u0307", "")


ORIGINAL_WORDS: Final = frozenset(fold_words(word) for word in ORIGINAL)
FORWARD_WORDS: Final = frozenset(fold_words(word) for word in FORWARD)

# Subject prefixes. A prefix alone is no evidence; with an attribution or a block it is.
FORWARD_PREFIX: Final = re.compile(
    r"\s*(?:fw|fwd|wg|tr|rv|enc|i|vl|vs|vb|pd|doorst|továbbítás|továbbított|i̇lt|ilt|ynt-ilt|redir|yml|пер|pr|trs|reenv"
    r"|прв|转发|轉寄|轉發|転送|전달|fs|ve|переслать|doorsturen|přepos|prepos|edasi|edast|přep|прп|rw|inoltra)\.?\s*[:：]\s*",
    re.IGNORECASE,
)
REPLY_PREFIX: Final = re.compile(
    r"\s*(?:re|aw|sv|antw|ref|rif|r|odp|vs|vá|va|ynt|yan|res|rép|rep|отв|відп|ha|atb|bls|答复|回复|回覆|返信|답장|αντ|απ"
    r"|על|השב|رد)(?:\[\d{1,3}\]|\(\d{1,3}\)|\^\d{1,3}|\*\d{1,3})?\s*[:：]",
    re.IGNORECASE,
)
