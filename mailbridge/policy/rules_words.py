# ruff: noqa: E501 - tables of patterns: a wrapped pattern is harder to read than a long one
"""Words by which robots give themselves away: subjects and first sentences of automatic answers in many languages.

They never decide alone: a subject needs a second sign, since people write about automatic replies.
All are compared with fold_key(): case folded, compatibility forms unified, blanks single.
"""

from __future__ import annotations

import re

from mailbridge.mail.words import folded

# "Within a sentence": a dot in a date or an address does not end it. One path for a dot, or matching takes
# exponential time.
_WITHIN = r"(?:[^.\n]|\.(?!(?<!\d\.)\s))"


def _compiled(pattern: str, flags: int = 0) -> re.Pattern[str]:
    return re.compile(folded(pattern).replace(r"[^.\n]", _WITHIN), flags)


# What Exchange, Gmail, Lotus, Sieve and others put before the subject. The end is a colon, the end of the line, or a
# word that such a subject goes on with: "Automatic reply does not work" is a person.
_PREFIXES = (
    # English
    r"automatic (?:e-?mail )?(?:reply|response|answer)", r"auto[- ]?(?:reply|response|responder|answer|matic)", r"autoreply",
    r"out of (?:the )?office(?: (?:auto ?-?reply|reply|message|notice|notification|response|re))?", r"ooo", r"o\.o\.o\.?", r"out-of-office(?: reply)?",
    r"away from (?:the )?(?:office|my (?:desk|mail|e-?mail))",
    r"i am (?:currently )?(?:away|out of (?:the )?office|on (?:vacation|holiday|leave))(?: .*)?", r"not in (?:the )?office",
    # German
    r"automatische (?:antwort|rückantwort|e-?mail-?antwort|nachricht)", r"abwesenheits(?:notiz|nachricht|benachrichtigung|meldung|assistent|info)?", r"abwesenheit(?:snotiz)?", r"außer haus", r"nicht im (?:büro|haus|office)", r"ich bin (?:nicht im büro|im urlaub|abwesend)(?: .*)?",
    # French
    r"réponse automatique(?: d['’]absence)?", r"message d['’]absence", r"en dehors du bureau", r"hors du bureau", r"notification d['’]absence",
    # Spanish, Portuguese, Catalan, Galician, Italian, Romanian
    r"respuesta automática", r"fuera de (?:la )?oficina", r"contestación automática", r"auto ?respuesta", r"autorrespuesta",
    r"resposta autom[àá]tica", r"fora do escritório", r"ausente do escritório", r"auto ?resposta", r"fora de(?: l['’])?oficina",
    r"risposta automatica", r"fuori (?:sede|ufficio)",
    r"răspuns automat", r"plecat din birou", r"absent din birou",
    # Dutch, Nordic, Baltic
    r"automatisch (?:antwoord|bericht)", r"buiten kantoor",
    r"auto(?:matiskt )?svar", r"automatiskt (?:svar|meddelande)", r"ej på kontoret", r"inte på kontoret",
    r"automatisk svar", r"autosvar", r"fraværs?(?:besked|melding|assistent)?", r"ikke på kontoret", r"ikke til ?stede", r"ikke til stede",
    r"automaattinen (?:vastaus|poissaoloviesti)", r"sjálfvirkt svar",
    r"automaatvastus", r"automaatne vastus", r"kontorist väljas", r"automātiskā atbilde", r"automātiska atbilde", r"automatinis atsakymas", r"nesu biure",
    # Slavic, Hungarian, Turkish, Greek
    r"(?:odpowiedź automatyczna|automatyczna odpowiedź|autoodpowiedź)", r"poza biurem", r"(?:jestem )?na urlopie",
    r"automatická odpověď", r"automatická odpoveď", r"mimo kancelář", r"mimo kanceláriu?", r"nejsem v kanceláři",
    r"automatski odgovor", r"samodejni odgovor", r"samodejen odgovor", r"izvan ureda", r"аутоматски одговор", r"автоматски одговор",
    r"автоматический ответ", r"автоответ(?:чик)?", r"автоматична відповідь", r"автовідповідь", r"автоматичен отговор", r"вне офиса", r"нет на рабочем месте", r"поза офісом", r"извън офиса",
    r"automatikus (?:válasz|üzenet)", r"házon kívül", r"irodán kívül",
    r"otomatik (?:yanıt|cevap|ileti)", r"ofis dışında(?:yım)?",
    r"αυτόματη (?:απάντηση|απόκριση)", r"εκτός γραφείου",
    # Asian and Middle Eastern
    r"自動(?:応答|返信|回答)(?:メール|メッセージ)?", r"自动(?:答复|回复|回覆|应答)", r"自動(?:回覆|回復|答覆)", r"不在办公室", r"자동 ?(?:회신|응답|답장)", r"부재 ?중(?: ?(?:자동 ?응답|알림|메시지))?",
    r"תשובה אוטומטית", r"מענה אוטומטי", r"מחוץ למשרד", r"رد تلقائي", r"رد آلي", r"الرد التلقائي", r"خارج المكتب", r"پاسخ خودکار", r"خارج از دفتر",
    r"ตอบกลับอัตโนมัติ", r"การตอบกลับอัตโนมัติ", r"trả lời tự động", r"thư trả lời tự động", r"balasan otomatis", r"jawaban otomatis", r"balasan automatik", r"di luar kantor", r"स्वचालित (?:उत्तर|जवाब)", r"स्वतः उत्तर",
)  # fmt: skip
# Words that a person may well begin a subject with: they need more than a thread to be a robot's.
_WEAK = (
    r"auto",
    r"(?:on )?(?:vacation|annual leave|maternity leave|parental leave|holiday)(?: (?:reply|message|notice|response|autoreply))?",
    r"away message",
    r"absence(?: notice| notification)?",
    r"abwesend(?:heit)?",
    r"urlaubs?(?:nachricht|benachrichtigung|vertretung|notiz)?",
    r"absence(?: du bureau)?",
    r"absent(?:e)?(?:\(e\))?(?: du bureau)?",
    r"en congés?",
    r"ausente(?: de la oficina)?",
    r"ausência(?: temporária| do escritório)?",
    r"en vacaciones",
    r"de férias",
    r"assenza(?: dall['’]ufficio)?",
    r"assente(?: dall['’]ufficio)?",
    r"in ferie",
    r"afwezig(?:heid(?:sbericht|smelding|sassistent)?)?(?: .*)?",
    r"niet aanwezig",
    r"met vakantie",
    r"frånvaro(?:meddelande)?",
    r"frånvarande",
    r"semester",
    r"fraværende",
    r"på ferie",
    r"fravær(?: fra kontoret)?",
    r"poissa(?: toimistosta)?",
    r"poissaolo(?:viesti|ilmoitus)?",
    r"lomalla",
    r"nieobecn(?:ość|y|a)(?: w biurze)?",
    r"urlop",
    r"nepřítomnost(?: v kanceláři)?",
    r"neprítomnosť",
    r"odsotnost",
    r"odsutnost",
    r"в отпуске",
    r"у відпустці",
    r"szabadságon",
    r"távollét",
    r"dışarıda",
    r"izindeyim",
    r"απουσία",
    r"不在(?:通知|のお知らせ|連絡|メール)?",
    r"外出中",
    r"休暇中",
    r"外出(?:自動回覆)?",
    r"休假",
    r"vắng mặt",
)  # fmt: skip
_START = r"^[^\w\s]*\s*(?:"  # brackets of every script, stars, dashes
_END = r")(?:[\]\)>】」』〕]|[\]\)>*_ ]*(?:[:：;!]|[-–—](?= )|$|\b(?:from|to|for|re|von|de|da|van|på|until|bis|till|jusqu|hasta)\b))"
# "On vacation from Monday" is a person's subject; a robot's ends here, or goes on with what it answers.
WEAK_SUBJECT = _compiled(_START + "|".join(_WEAK) + _END)
WEAK_ALONE = _compiled(_START + "|".join(_WEAK) + r")[\]\)>*_ ]*(?:[:;!]|[-–—] |$|\bre\b)")
AUTO_SUBJECT = _compiled(_START + "|".join(_PREFIXES) + _END)
# Lotus Notes writes the name first.
LOTUS_SUBJECT = _compiled(
    r"^(?:auto: )?.{2,60} (?:is|will be) (?:out of (?:the )?office|away|on (?:annual |maternity |parental |sick )?(?:vacation|leave|holidays?))\b|^.{2,60} (?:ist (?:außer haus|nicht im (?:büro|haus))|est absente?|está (?:ausente|fuera)|è (?:assente|fuori)|is afwezig|är frånvarande)\b.{0,60}$"
)
# Between a robot's answer and a person's: an acknowledgement of receipt.
ACK_SUBJECT = _compiled(
    r"(?:thank(?:s| you) for (?:your (?:e-?mail|message|inquiry|enquiry|request|interest|order)|contacting|writing|getting in touch|reaching out)|we(?:['’]ve| have)? (?:just )?received your|your (?:request|e-?mail|message|inquiry|enquiry|ticket|case)[^.]{0,40}(?:has been |was )?(?:received|opened|created|registered|logged)|(?:request|ticket|case|issue|incident|inquiry) (?:#?[\w-]{2,20} )?(?:has been |was )?(?:received|created|opened|registered|logged)|acknowledg(?:e?ment|ing) (?:of )?(?:receipt|your)|(?:^|\W)(?:support )?(?:ticket|case|request|incident)\s?(?:number|id|nr\.?|no\.?)?\s?[#:]?\s?\[?#?\d{2,}|confirmation of (?:receipt|your (?:request|e-?mail|message))|"
    r"eingangsbestätigung|empfangsbestätigung|ihre (?:anfrage|nachricht|e-?mail)[^.]{0,40}(?:eingegangen|erhalten)|vielen dank für ihre (?:anfrage|nachricht|e-?mail|mail)|accusé de réception|merci (?:de|pour) (?:nous avoir contact|votre (?:message|demande|mail))|votre demande[^.]{0,40}(?:reçu|enregistr)|acuse de recibo|hemos recibido (?:su|tu)|gracias por (?:contactar|su (?:mensaje|consulta))|conferma (?:di )?ricezione|abbiamo ricevuto|grazie per (?:averci|il (?:suo|tuo))|confirmação de rece(?:bimento|ção)|recebemos (?:a )?su[ae]|ontvangstbevestiging|bedankt voor uw|we hebben uw|potwierdzenie (?:otrzymania|odbioru)|otrzymaliśmy|potvrzení (?:přijetí|o přijetí)|получено ваше|ваш(?:е|а) (?:обращение|заявка|запрос|письмо)[^.]{0,40}(?:получен|принят|зарегистрирован)|受付(?:完了|確認)|お問い?合わ?せ(?:を)?(?:ありがとう|受け付け|いただき)|已收到您|感谢您的(?:来信|咨询|联系)|접수되었)",
    re.I,
)
# Sentences of absence, first person or about the sender; they must stand near the top.
AWAY_TEXT = _compiled(
    r"\b(?:i['’]?m|i am|i['’]ll be|i will be|am|is|will be|we are|be)\b[^.\n]{0,40}\b(?:out of (?:the |my )?office|away from (?:the |my )?(?:office|desk|e-?mail)|on (?:annual |maternity |parental |sick |paternity )?(?:leave|vacation|holidays?)\b|on a business trip|not in (?:the|my) office|unavailable until|away (?:until|from|on|till))|"
    r"out of (?:the )?office (?:until|till|from|with|and|starting)|(?:limited|no) access to (?:my )?e-?mails?|will (?:be )?(?:return(?:ing)?|be back|reply|respond|get back to you)[^.\n]{0,40}(?:on|when|upon|after|as soon)|"
    r"(?:this is|you (?:have )?received|dies ist|ceci est|questa è|este es|esta é|dit is|to jest|это)[^.\n]{0,30}(?:auto(?:mat(?:ic|ed|ically|isch|ique|ica|ická|yczna|isk)\w*)|автоматич\w*)|automat(?:ed|ic(?:ally)?)[^.\n]{0,25}(?:reply|response|message|generated|e-?mail|answer)|auto-?(?:reply|response)|do not (?:reply|respond) to this|"
    r"(?:bin|befinde mich|ist)[^.\n]{0,50}(?:nicht im (?:büro|haus|hause)|abwesend|im urlaub|außer haus|nicht erreichbar|wieder (?:im büro|erreichbar)|in elternzeit)|automatisch (?:erstellt|generiert|erzeugt|versandt)|"
    r"(?:je suis|suis|serai|actuellement)[^.\n]{0,40}(?:absent|en congé|en vacances|hors du bureau|en déplacement)|de retour (?:le|à)|réponse automatique|"
    r"(?:estoy|estaré|me encuentro)[^.\n]{0,40}(?:fuera de|ausente|de vacaciones)|respuesta automática|mensaje automático|"
    r"(?:sono|sarò|mi trovo)[^.\n]{0,40}(?:assente|fuori (?:ufficio|sede)|in ferie)|risposta automatica|messaggio automatico|"
    r"(?:estou|estarei)[^.\n]{0,40}(?:ausente|fora do|de férias)|resposta automática|mensagem automática|"
    r"(?:ik ben|ben ik)[^.\n]{0,40}(?:afwezig|niet (?:aanwezig|op kantoor)|met (?:vakantie|verlof)|op vakantie)|"
    r"(?:jag är|är jag)[^.\n]{0,40}(?:frånvarande|på semester|inte på kontoret|ledig|bortrest)|(?:jeg er|er jeg)[^.\n]{0,40}(?:fraværende|på ferie|ikke på kontoret|ikke til stede|bortreist)|(?:olen|on)[^.\n]{0,30}(?:lomalla|poissa)|"
    r"(?:jestem|będę|przebywam)[^.\n]{0,40}(?:poza biurem|na urlopie|nieobecn)|(?:jsem|budu|som|nejsem)[^.\n]{0,40}(?:mimo kancelář|na dovolené|na dovolenke|v kanceláři|nepřítom)|(?:nisam|sam|sem)[^.\n]{0,30}(?:na godišnjem|na dopustu|u uredu|odsot|odsut)|"
    r"(?:szabadságon|házon kívül|irodán kívül|távol)[^.\n]{0,30}(?:vagyok|leszek)|nem vagyok az irodában|(?:ofis dışında|izinde|tatilde)[^.\n]{0,10}(?:yım|im|m\b|olacağım)?|λείπω|απουσιάζω|εκτός γραφείου|(?:sunt|voi fi)[^.\n]{0,30}(?:plecat|în concediu|absent)|"
    r"(?:я|буду|нахожусь)[^.\n]{0,40}(?:в отпуске|вне офиса|отсутству|в командировке)|отсутствую|в отпуске|(?:я|буду|перебуваю)[^.\n]{0,30}(?:у відпустці|поза офісом|відсутн)|(?:не съм|съм|ще бъда)[^.\n]{0,30}(?:в офиса|отпуск|извън)|"
    r"不在にして|不在です|休暇(?:中|をいただ)|外出して|出張(?:中|して)|自動(?:返信|応答)|不在办公室|正在休假|外出(?:中|期间)|休假|出差|自动(?:回复|答复)|自動回覆|不在辦公室|부재 ?중|휴가 ?중|출장 ?중|자동 ?(?:회신|응답)|"
    r"(?:olen|on) (?:\S+ )?puhkusel|puhkan kuni|esmu (?:\S+ )?(?:atvaļinājumā|prombūtnē)|atostogauju|(?:na|će na) (?:godišnjem|dopustu)|na godisnjem odmoru|на одмору|на годишњем|у одсуству|de vacances fins|fora de l['’]oficina|í fríi til|ég er í fríi|eismo atostog|na dopuste|na urlope|"
    r"no longer (?:works?|working|employed|with)\b|(?:has|have) left the (?:company|firm|organi[sz]ation)|nicht mehr (?:im unternehmen|bei uns|für)|ne (?:travaille|fait) plus|ya no trabaja|non lavora più|já não trabalha|"
    r"אני (?:לא במשרד|מחוץ למשרד|בחופש|בחופשה)|מחוץ למשרד|أنا (?:خارج المكتب|في إجازة|غير متواجد)|خارج المكتب|در دفتر نیستم|ไม่อยู่ที่(?:สำนักงาน|ออฟฟิศ)|vắng mặt|đang nghỉ|sedang (?:cuti|tidak berada)|di luar kantor|कार्यालय से बाहर",
    re.I,
)
ACK_TEXT = _compiled(
    r"we(?: have|['’]ve)? (?:just )?(?:received|got) your (?:request|e-?mail|message|inquiry|enquiry|ticket|note)|confirm\w* that we(?: have|['’]ve)? (?:got|received)|your (?:request|ticket|case|inquiry|enquiry|message|e-?mail|issue)[^.\n]{0,60}(?:has been|was|is) (?:received|created|opened|registered|logged|assigned)|(?:ticket|case|request|incident|issue)[^.\n]{0,40}(?:has been|was|is)? ?(?:received|created|opened|registered|logged)\b|(?:ticket|case|reference|request|incident) (?:number|id|#)|"
    r"thank you for (?:contacting|your (?:e-?mail|message|request|inquiry|enquiry)|reaching out|getting in touch)|thanks for (?:contacting|getting in touch|reaching out)|(?:someone|a member of our (?:team|staff)|an agent|our team|one of our)[^.\n]{0,60}(?:will|reply|respond|contact|get back)|"
    r"(?:ihre|deine) (?:anfrage|nachricht|e-?mail)[^.\n]{0,60}(?:erhalten|eingegangen|bearbeitet)|ticket-?nummer|vorgangsnummer|votre (?:demande|message)[^.\n]{0,60}(?:reçu|enregistr|pris)|numéro de (?:ticket|dossier)|hemos recibido|número de (?:ticket|caso)|abbiamo (?:ricevuto|preso)|recebemos|we hebben uw|otrzymaliśmy|получили ваш|зарегистрирован|受け付け(?:ました|いたしました)|已收到|접수",
    re.I,
)
REPLY_PREFIX = _compiled(
    r"^(?:(?:re|r|aw|antw|sv|vs|odp|ynt|vá|ref|απ|σχετ|回复|回覆|答复|返信|답장|회신|tr|fwd?|fw|wg|rv|i|enc|doorst|vb|vl|pd|továbbítás|転送|转发|轉寄|전달|hs|yml|tb|továbbít)\s*(?:\[\d+\]|\(\d+\))?\s*[:：]\s*)+",
    re.I,
)
FORWARD_PREFIX = _compiled(
    r"^(?:fwd?|fw|wg|tr|rv|i|enc|doorst|vb|vl|pd|転送|转发|轉寄|전달|vs|továbbítás)\s*[:：]", re.I
)
CASE_TOKEN = _compiled(
    r"\[(?:[\w .-]{0,20}[#: ]\s?)?#?\d{1,12}\]|\((?:case|ticket|#)\s?#?\d+\)|(?:ticket|case)\s?#\s?\d+", re.I
)
TAG_PREFIX = _compiled(r"^\[[^\[\]]{1,60}\]\s*")
DESK_MAILER = _compiled(
    r"zendesk|freshdesk|freshservice|osticket|otrs|otobo|znuny|zammad|request tracker|\brt\b \d|help ?scout|jira|service-?now|kayako|helpdesk|help desk|salesforce|freescout|deskpro|gorgias",
    re.I,
)
# What only a desk's robot adds to its acknowledgement.
ROBOT_TEXT = _compiled(
    r"automat(?:ed|ic(?:ally)?|isch|ique(?:ment)?|ic[ao]|iczn\w+|ick\w+)|do not reply|bitte nicht antworten|(?:ticket|case|reference|request|incident|confirmation|tracking) (?:number|id|no\.?|#|nr)|ticket ?#?\d|case ?#?\d|(?<!i )(?:will|shall) (?:be )?(?:reply|respond|contact|get back|be in touch|answer)|business (?:day|hour)s|as soon as possible|ticket-?nummer|vorgangsnummer|schnellstmöglich|numéro de|número de",
    re.I,
)
# Stems for an answer that already has a robot's shape (rules_auto._robot_shaped): no reply prefix, no quote, no
# request. By themselves they prove nothing.
AUTOMATIC_SUBJECT = _compiled(
    r"\bautom[aáà]t\w*|\bauto[- ]?(?:reply|respon|antwort|svar|odpow|vastaus)|автомат|автоответ|αυτόματ|自動|自动|자동|אוטומטי|تلقائي|خودکار|otomatik|tự động|อัตโนมัติ",
    re.I,
)
AUTOMATIC = _compiled(
    r"\b(?:this|it|dies(?:e|es)?|ceci|cette?|est[ae]|quest[ao]|dit|deze|dette|det här|tämä|to jest|toto|ez|acest\w*|bu|это|цей|данное|यह)\b[^.\n]{0,40}(?:autom[aáà]t|otomatik|автомат)|autom[aáà]t\w*[ -](?:\w+ )?(?:e-?mails?|message|reply|response|answer|notification|confirmation|nachricht|antwort|erzeugt|erstellt|generiert|generated|svar|meddelande|bericht|reactie|wiadomość|odpowied|odpověď|zpráva|válasz|üzenet)|(?:message|mensaje|messaggio|mensagem|réponse|respuesta|risposta|resposta|courriel|răspuns|mesaj) autom[aáà]t|автоматическ\w+ (?:ответ|сообщ|увед)|自動(?:送信|返信|応答|配信|回覆)|自动(?:发送|回复|答复|应答)|자동 ?(?:발송|회신|응답)|"
    r"\bauto[- ]?(?:reply|response|respond|answer|antwort|svar|odpow|vastaus)|автомат\w*|автоответ|αυτόματ|자동|自動(?:送信|返信|応答|配信|回覆)|自动(?:发送|回复|答复|应答)|系统(?:自动|邮件)|אוטומטי|تلقائي|رد آلي|خودکار|otomatik|tự động|อัตโนมัติ|स्वचालित|"
    r"(?:do not|don['’]t|please no) reply|nicht (?:auf diese \S+ )?(?:zu )?antworten|ne pas répondre|no respond|non rispondere|não responda|niet (?:te )?(?:beantwoorden|antwoorden|reageren)|svara inte|ikke (?:be)?svar|älä vastaa|nie odpowiada|neodpov|ne válaszol|nu răspunde|yanıtlamayın|не отвечайте|не відповіда|返信(?:不要|しないで|できません)|请勿回复|請勿回覆|회신하지|발신 ?전용|送信専用|unattended|not monitored|unmonitored|nicht (?:gelesen|überwacht)",
    re.I,
)
ABSENCE = _compiled(
    r"\b(?:out of (?:the )?office|ooo|vacation|holidays?|(?:annual|sick|parental|maternity|paternity|planned|on) leave|sabbatical|retired|business trip|travel+ing|away|closed|unavailable|not available|not checking (?:my )?e-?mail|(?:limited|no|spotty|intermittent) (?:access|connectivity|e-?mail)|on training|(?:new|changed) e-?mail address|no longer (?:monitored|in use|valid|active))\b|geschlossen|nicht erreichbar|schulung|auszeit|fermé|indisponible|pas disponible|(?:no|non) [^.\n]{0,12}disponib|cerrad|chius[ie]|fechad|recesso|indispon|gesloten|niet bereikbaar|er niet|stängt|lukket|stengt|suljettu|zamknięt|szkoleni|zavřen|školení|zárva|închis|kapalı|κλειστ|закрыт|休診|定休|urlaub|abwesen|außer haus|nicht (?:im (?:büro|haus|dienst)|am platz|da\b)|verreist|dienstreise|elternzeit|in kur\b|feiertag|absen(?:t|ce)|congé|vacances|déplacement|hors du bureau|vacacion|ausen(?:te|cia)|fuera de|ausên|férias|fora do|assen(?:te|za)|ferie\b|fuori (?:sede|ufficio)|vakantie|afwezig|verlof|niet (?:aanwezig|op kantoor)|\bsemester|frånvar|bortrest|tjänstledig|fravær|bortreist|ute av kontoret|på ferie|har ferie|\w*loma(?:lla)?\b|poissa|urlop|nieobecn|poza biurem|delegacj|dovolen|nepřítom|neprítom|mimo kancelář|szabads|távol|házon kívül|concediu|absen|plecat|izin(?:de|li)|izinde|tatil|ofis dışı|άδεια|απουσ|λείπω|εκτός γραφείου|отпуск|отсутств|командиров|не будет на (?:рабочем )?месте|нет (?:в офисе|на месте)|вне офиса|відпустк|відсутн|поза офісом|отпуск|godišnj|odsut|odsot|dopust|одмор|одсу|puhkus|atvaļin|atostog|休暇|不在|出張|休業|休假|外出|出差|不在办公|휴가|부재|출장|חופש|מחוץ למשרד|לא במשרד|إجازة|خارج المكتب|مرخصی|nghỉ|vắng|\bcuti\b|bercuti|luar kantor|ไม่อยู่|ลาพัก|अवकाश|छुट्टी",
    re.I,
)
UNTIL = _compiled(
    r"\b(?:until|till|back|return\w*|again|while i|next in|reach\w*|urgent|emergenc\w*|contact|instead|please note|from now|i am|i['’]m|i will|i have|bis|ab|wieder|zurück|rückkehr|vertretung|dringend\w*|ich bin|ich habe|bin|jusqu\w*|retour|urgence|je suis|je serai|hasta|vuelvo|regres\w*|urgen\w*|estoy|fino|rientr\w*|sono|sarò|até|retorn\w*|volto|estou|tot|terug|ik ben|bereikbaar|till|tillbaka|jag|til|tilbage|tilbake|jeg|asti|saakka|palaan|olen|do|powro\w*|wróc\w*|jestem|przebywam|návrat\w*|jsem|som|budu|ig|vagyok|leszek|până|sunt|revin|kadar|dön\w*|έως|μέχρι|επιστρ\w*|до|верн\w*|буду|поверн\w*|я|sampai|hingga|saya|đến|trở lại|tôi)\b|まで|以降|戻り|いただいて|返回|回来|至|我|본인|까지|중입니다|עד|אני|حتى|أنا|سأعود|تا|ถึง|तक",
    re.I,
)
RECEIVED = _compiled(
    r"(?:received|got) (?:your|the) (?:e-?mail|message|request|mail|enquiry|inquiry)|your (?:e-?mail|message|request|enquiry|inquiry)[^.\n]{0,40}(?:received|registered|logged)|thank(?:s| you) for (?:your (?:e-?mail|message|request|enquiry|inquiry)|contacting|writing|reaching|getting in touch)|confirmation of receipt|acknowledge?ment|eingangsbestätigung|empfangsbestätigung|(?:nachricht|mail|anfrage)[^.\n]{0,40}(?:eingegangen|erhalten)|dank für ihre (?:nachricht|e-?mail|mail|anfrage)|accusé de réception|bien (?:été )?reçu|merci (?:de|pour) votre|acuse de recibo|hemos recibido|gracias por (?:su|contactar)|conferma di ricezione|abbiamo ricevuto|recebemos|confirmação de recebimento|ontvangstbevestiging|(?:hebben|is)[^.\n]{0,30}ontvangen|bedankt voor uw|mottagit|modtaget|mottatt|vastaanot|otrzymaliśmy|dziękujemy za|obdrželi|přijali|megkaptuk|am primit|aldık|ulaştı|λάβαμε|получили|получено|принят[оа]|зарегистрирован|отримали|受け付け|受付(?:完了|番号|いたし)|承りました|お問い合わせ(?:を|いただき)|已(?:经)?收到|收到(?:您|了)|感谢您的来信|접수|קיבלנו|התקבלה|تلقينا|استلمنا|đã nhận|kami (?:telah )?(?:terima|menerima)|ได้รับ",
    re.I,
)
PROMISE = _compiled(
    r"(?<!i )\b(?:will|shall|aim to) (?:be |soon |shortly )*(?:reply|respond|contact|get back|answer|in touch|process|dealt|review)|(?:ticket|case|reference|request|incident|confirmation|tracking)[- ]?(?:number|id|no\b|nr|#)|within \d|business (?:day|hour)|shortly|as soon as (?:possible|we)|(?:ticket|vorgangs|fall|bearbeitungs)-?nummer|schnellstmöglich|(?:wird|werden)[^.\n]{0,60}(?:bearbeitet|beantwort|melden)|in kürze|numéro de|dans les (?:plus brefs|meilleurs)|traité|número|en breve|le responderemos|numero|al più presto|risponderemo|em breve|responderemos|em até|zo spoedig|binnen \d|nummer|så snart|snarest|mahdollisimman|numer (?:zgł|spr)|jak najszybciej|co nejdříve|hamarosan|cât mai curând|en kısa|σύντομα|номер|в ближайшее|скоро|番号|追って|後ほど|尽快|小时内|工作日|번호|빠른 시일",
    re.I,
)
# A request before any word of absence: then somebody writes about answering machines, and is none.
ASKS = _compiled(
    r"\b(?:can|could|would|will) (?:you|we|i|somebody|someone|anybody)\b|\bplease (?:set|switch|help|check|configure|tell|change|fix|activate|deactivate|turn|look|enable|disable|add|remove|stop|put)|\bhow (?:do|can|to|should)\b|\bwhat (?:is|does|do|can|should)\b|\bwhy\b|is (?:it|there) (?:possible|a way)|\b(?:call|ring|phone) me\b|rufen sie mich|ruf mich|appelez-moi|llám[ae]me|mi chiami|bel mi?j|ring mig|i (?:want|need|would like|tried|get)\b|"
    r"können sie|könnten sie|kannst du|könnt ihr|\bbitte (?:richten|stellen|schalten|prüfen|helfen|aktivieren|deaktivieren|setzen|tragen)|\bwie (?:kann|richte|stelle|geht|schalte)|ich (?:möchte|bekomme|brauche)|wir (?:möchten|bekommen|brauchen)|pouvez[- ]vous|pourriez|peux[- ]tu|\bcomment\b|je (?:voudrais|souhaite)|\bpued[ea]|podr[ií]a|\bcómo\b|quisiera|necesito|\bpuò\b|potete|come (?:posso|si)|vorrei|\bpod(?:e|em|eria)\b|como (?:posso|faço)|gostaria|kunt u|kun je|\bhoe (?:kan|stel)|ik wil|kan (?:ni|du|jag|i)\b|\bhur\b|\bhvordan\b|\bmiten\b|voisitteko|"
    r"можете|помогите|подскажите|как (?:мне|настро|включ|отключ)|proszę o|czy mo|jak (?:ustaw|włącz|wyłącz)|jak (?:nastav|zapn)|můžete|できますか|教えて|お願い(?:し|でき)ます|设置|请(?:帮|问)|怎么|如何|어떻게|도와",
    re.I,
)
# What people say to each other and programs do not.
GREETS = _compiled(
    r"(?:^|[.!,] )(?:hi|hello|hey|dear|good (?:morning|afternoon|day)|hallo|guten (?:tag|morgen)|moin|liebe[rs]?|sehr geehrte|bonjour|salut|hola|buenos|buenas|ciao|buongiorno|salve|olá|bom dia|boa tarde|dag|beste|goedemorgen|hej|hei|moi|cześć|dzień dobry|dobrý den|ahoj|szia|tisztelt|merhaba|здравствуйте|добрый день|привет|お世話|您好|你好|안녕)\b|\b(?:thanks|thank you|thx|cheers|(?:kind|best|warm)? ?regards|greetings|viele grüße|mit freundlichen|gruß|danke|cordialement|merci|saludos|gracias|saluti|grazie|obrigad|met vriendelijke|groet|mvh|hälsningar|hilsen|terveisin|pozdrawiam|спасибо|с уважением|よろしく)",
    re.I,
)
# Subjects as monitoring, cron and daemons write them.
ALARM_SUBJECT = _compiled(
    r"^(?:\*\*|\[(?:firing|resolved|alert(?:ing)?|ok|problem|fail2ban|prtg|zabbix|icinga|monit|critical|warning|down|up)\b|(?:problem|recovery|resolved|alert|critical|warning|info|notice|ok|down|up|error|failure|flapping\w*)\s*[:\-]|cron <|anacron job|at job|output (?:from|of)|logwatch for|smart error|degradedarray|\S+event on|fail event|monit alert|\*\*\*|(?:\w+ )?backup (?:\S+ )?(?:job |report|succe|fail|complet|warn)|(?:daily|nightly|weekly|monthly) (?:\w+ )?(?:run output|report|summary|status|security run)|build (?:failed|succe|fixed)|test (?:failed|succe)|disk (?:space|usage)|host (?:down|up)|service (?:down|up|alert)|security information for|unattended[- ]upgrades|apticron|logcheck|system events|\S+ (?:is|went) (?:down|up|critical|unreachable|back))",
    re.I,
)
UNSUBSCRIBE = _compiled(
    r"unsubscribe|opt[- ]?out|manage (?:your )?(?:subscription|preferences)|view (?:this|it|the) (?:e-?mail|message|newsletter)? ?in (?:your|a) browser|abmelden|abbestellen|newsletter|se désabonner|désinscri|darse de baja|cancelar (?:la )?suscripción|annulla(?:re)? (?:l['’])?iscrizione|disiscri|cancelar (?:a )?(?:inscrição|assinatura)|afmelden|uitschrijven|avregistrera|отписаться|退订|配信停止",
    re.I,
)
# Subjects under which somebody wants something.
TOPIC = _compiled(
    r"^(?:another |one more |new |urgent )?(?:question|query|request|problem|issue|bug|error|help|trouble|complaint|frage|anfrage|problem|fehler|hilfe|störung|bitte|question|demande|problème|erreur|aide|pregunta|consulta|problema|error|ayuda|domanda|richiesta|errore|aiuto|pergunta|dúvida|erro|ajuda|vraag|probleem|fout|hulp|fråga|fel|spørgsmål|spørsmål|feil|kysymys|ongelma|pytanie|błąd|dotaz|chyba|kérdés|hiba|întrebare|problemă|soru|sorun|вопрос|проблема|ошибка|помощь|питання|質問|問題|问题|咨询|문의|질문)\b",
    re.I,
)
NO_REPLY_LOCAL = re.compile(
    r"^(?:no|do)[-_.]?(?:not[-_.]?)?(?:reply|answer|response)(?:[-_.+].*|s|\d+)?$", re.I
)
READ_RECEIPT = _compiled(
    r"^(?:read|gelesen|lu|leído|leido|letto|lida|lido|gelezen|läst|læst|lest|luettu|przeczytano|přečteno|prečítané|olvasva|elolvasva|citit|okundu|прочитано|прочтено|прочетено|διαβάστηκε|開封済み|已读|已讀|읽음|נקרא|not read|ungelesen gelöscht|non lu|no leído|non letto|não lida|niet gelezen|return receipt|disposition notification|read receipt|lesebestätigung|empfangsbestätigung|confirmation de lecture|confirmación de lectura|conferma di lettura|confirmação de leitura|leesbevestiging|läskvitto|開封確認)\s*[:：(]",
    re.I,
)
NOT_ANSWERED_LOCAL = _compiled(
    r"^(?:(?:no|do[-_.]?not|dont|non|ne|nao|nicht)[-_.]?(?:reply|replay|respond|answer|response|antworten|repondre|responder|rispondere|responda|beantworten)\w*|noreply.*|no\.?reply.*|donotreply.*|nobody|mailer[-_.]?daemon|mail-?daemon|postmaster|majordomo|listserv|list-?server|mailman|bounces?|bounce[-+].*|.*-bounces?|owner-.*|.*-owner|.*-request|.*-admin|notifications?|notify|notifier|alerts?|alarm|automailer|auto-?reply|autoresponder|auto-?confirm|daemon|cron|root|nagios|icinga|zabbix|monit(?:oring)?|jenkins|jira|wordpress|www-data|apache|newsletter|news|mailing|info-noreply|quarantine|spam-?(?:quarantine|digest|report)|auto-?notify|autonotification|robot|bot|system|bulk|prtg|grafana|sentry|pagerduty|opsgenie|backup|logwatch|fail2ban|smartd|mdadm|anacron|rapport|voicemail|voice-noreply|asterisk|freeswitch|unityconnection|fax)(?:[-+._@].*)?$",
    re.I,
)
RECEIPT_TEXT = _compiled(
    r"\b(?:was|wurde|a été|fue|ha sido|è stato|foi|is|werd|blev|ble|został\w*)\b[^\n]{0,60}?(?:read|displayed|gelesen|angezeigt|lu\b|leído|letto|lid[ao]\b|geöffnet|gelezen|läst|lest|læst|przeczytan)|return receipt|read on|gelesen am|開封|已阅读|已读|прочитано|прочтено"
)
CHALLENGE_SUBJECT = _compiled(
    r"(?:please )?(?:confirm|verify|verification|authenticate|approve)\b[^.]{0,40}(?:e-?mail|message|sender|address|delivery|you)|action required to deliver|challenge"
)
# An acknowledgement that names what it acknowledges; "ticket number" alone is also what a customer asks for.
ACK_SURE = _compiled(
    r"(?:we|i)(?: have|['’]ve)? (?:just |successfully )?received your (?:request|e-?mail|message|inquiry|enquiry|ticket)|your (?:request|ticket|case|inquiry|enquiry|message|e-?mail|issue)[^.\n]{0,60}(?:has been|was|is) (?:received|created|opened|registered|logged|assigned)|(?:ticket|case|request|incident)[^.\n]{0,30}(?:has been|was) (?:received|created|opened|registered|logged)\b|thank(?:s| you) for (?:contacting|your (?:e-?mail|message|request|inquiry|enquiry)|reaching out|getting in touch)|"
    r"(?:ihre|deine) (?:anfrage|nachricht|e-?mail)[^.\n]{0,60}(?:erhalten|eingegangen)|vielen dank für ihre (?:anfrage|nachricht|e-?mail)|votre (?:demande|message)[^.\n]{0,60}(?:reçu|enregistr|pris en)|hemos recibido su|abbiamo ricevuto|recebemos (?:a |o )?su?a|we hebben uw|otrzymaliśmy|получили ваш|受け付け(?:ました|いたしました)|已收到|접수되었",
    re.I,
)
