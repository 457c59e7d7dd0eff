# ruff: noqa: E501 - tables of patterns: a wrapped pattern is harder to read than a long one
"""What mail systems say when they could not deliver: subjects, phrases, reasons, challenge services.

Only words that a system writes, at the place where it writes them; they count with other evidence (mail.bounce).
Subjects and phrases are compared with fold_key(): case folded, compatibility forms unified, blanks single.
"""

from __future__ import annotations

import re

from mailbridge.mail.words import folded

SUBJECT = re.compile(
    folded(
        r"^\W*(?:(?:e-?mail |message )?(?:undeliver(?:able|ed)|undelivarable|returned mail\b|returned e-?mail\b|(?:e-?mail|message) returned\b|returned to sender|"
        r"mail could not be delivered|message could not be delivered|delivery (?:status )?notification \(|delivery status notification|"
        r"delivery notification\b|delivery (?:has )?fail(?:ed|ure)|delivery (?:error|problem|report|incomplete|delay)|"
        r"failure notice|failure delivery|failed delivery|failed mail|mail (?:delivery|system|server)[ :-]{1,3}(?:fail|error|problem|report|delay)|"
        r"mail delivery\b|mail failure|mail system error|mail error|message delivery (?:fail|delay)|"
        r"message delayed|delayed (?:mail|message)|warning: (?:could not send|message|e-?mail|mail)|non[- ]?delivery|ndn?:|nondeliverable|"
        r"could not (?:deliver|send) (?:your )?(?:message|mail|e-?mail)|unable to deliver|cannot deliver|"
        r"e-?mail (?:delivery )?(?:error|fail)|"
        r"error sending (?:mail|message)|rejected:|message (?:rejected|blocked|not delivered|undeliverable|status - undeliverable)|"
        r"considered unsolicited|"
        r"(?:virus|banned file|spam)\b[^.]{0,60}\bin (?:mail|message) from you|user unknown|"
        r"bounce(?:d)? (?:mail|message|email|action)|mail bounce|postmaster notify|permanent delivery|there was an error sending your mail|"
        r"your (?:message|mail|e-?mail)[^.]{0,40}(?:was not delivered|could not be delivered|has been (?:rejected|blocked|returned)|can ?not be delivered)|"
        r"message you sent blocked|mdaemon (?:warning|notification)|nonremise|"
        # German, French, Spanish, Italian, Portuguese, Dutch
        r"unzustellbar|nicht zustellbar|nicht zugestellt|unzustellbare|zustellung fehlgeschlagen|mailzustellung|zustellungs?fehler|"
        r"benachrichti?(?:g)?ung (?:zum|über den) (?:übermittlungs|zustell)|fehlgeschlagene (?:zustellung|mail)|übermittlungsfehler|"
        r"non remis|non distribu|échec de (?:la )?(?:remise|distribution|livraison)|notification d['’]état de (?:remise|distribution)|message non (?:délivré|remis)|non délivré|"
        r"impossible de remettre|"
        r"no se p(?:uede|udo) entregar|imposible entregar|no entregado|no entregable|notificación del? estado de (?:la )?entrega|error de entrega|"
        r"correo (?:no entregado|devuelto)|mensaje (?:no entregado|devuelto)|entrega fallida|"
        r"non recapitabile|mancat[oa] (?:recapito|consegna)|impossibile (?:recapitare|consegnare)|consegna non riuscita|messaggio non (?:consegnato|recapitato)|"
        r"notifica (?:sullo )?stato (?:del |di )?(?:recapito|consegna)|"
        r"não (?:é possível entregar|entregue|entregável|foi possível entregar)|falha (?:na|de) entrega|mensagem (?:não entregue|devolvida)|notificação de status de entrega|"
        r"onbestelbaar|niet bestelbaar|niet bezorgd|kan niet worden bezorgd|bezorging (?:is )?mislukt|aflevering mislukt|"
        # Nordic, Baltic, Slavic, Hungarian, Romanian, Turkish, Greek
        r"kan inte levereras|går inte att leverera|olevererbart|ej levererat|kan ikke leveres|ikke levert|ikke leveret|uleverbar|"
        r"toimitus epäonnistui|ei voi(?:da)? toimittaa|toimittamaton|viestin toimitus|edastamine nurjus|"
        r"nie można dostarczyć|niedostarcz|zwrot (?:wiadomości|poczty)|nie dostarczono|"
        r"nedoručiteln|nelze doručit|nedoručen|nedoručiteľn|nepodarilo sa doručiť|nedostavljiv|nije moguće isporučiti|ni mogoče dostaviti|"
        r"kézbesíthetetlen|nem kézbesíthető|sikertelen kézbesítés|kézbesítési hiba|nelivrabil|imposibil de livrat|nu (?:se )?poate (?:fi )?livra|"
        r"teslim edile(?:medi|meyen|mez)|iletilemedi|δεν είναι δυνατή η παράδοση|μη παραδοτέο|αδύνατη η παράδοση|αποτυχία παράδοσης|"
        r"недоставлен|не удается доставить|не удалось доставить|сообщение не доставлено|ошибка доставки|не доставлено|недоставлене|неуспешно доставяне|"
        r"не може да бъде доставен|не вдалося доставити|не вдається доставити|"
        # Chinese, Japanese, Korean, Hebrew, Arabic, Thai, Vietnamese, Indonesian
        r"无法投递|未送达|无法送达|未能送达|退信|系统退信|来自[^ ]{0,20}的退信|投递失败|邮件投递|邮件发送失败|無法傳遞|無法投遞|傳送失敗|郵件無法|郵件傳遞|邮件未能|"
        r"配信不能|配信できません|配信エラー|送信できません|送信エラー|エラーメール|配達できません|不達|未配信|メール配信エラー|"
        r"배달되지 않음|배달 못함|배달할 수 없음|반송|전송 실패|발송 실패|"
        r"לא ניתן למסירה|לא נמסר|כשל במסירה|غير قابل للتسليم|تعذر التسليم|تعذر تسليم|فشل التسليم|فشل تسليم|"
        r"ไม่สามารถส่ง|không thể (?:gửi|phân phối)|gửi không thành công|tidak (?:dapat )?terkirim|gagal terkirim))"
    ),
    re.I,
)

# Sentences by which a mail system introduces a failure. Quoted by people too: so they must stand near the top and
# with a daemon's sender, a null sender or a failure subject.
PHRASES = re.compile(
    folded(
        r"this is the (?:qmail-send program|mail system at host|postfix program|mail delivery (?:agent|system)|mail delivery status|machine generated message)|"
        r"i(?:['’]m sorry to have to inform you|['’]m afraid i wasn['’]t able to deliver| wasn['’]t able to deliver)|"
        r"(?:this|the following|your) (?:e-?mail |mail )?message (?:was |has been )?(?:undeliverable|undelivered|not delivered|not been delivered|could not be (?:delivered|sent)|cannot be delivered|can not be delivered|wasn['’]t delivered)|"
        r"could ?n(?:o|['’])t be delivered|could not deliver|couldn['’]t deliver|can ?not be delivered|was not delivered|not been delivered|wasn['’]t delivered|unable to deliver|undeliverable|"
        r"did not reach the following recipient|delivery (?:to the following|has failed|failed|attempt|to (?:this|these))|failed to deliver|"
        r"(?:error|problem|failure)s? occurred (?:while|during|when) (?:trying to )?(?:deliver|send)|an error occurred (?:while|sending|when)|"
        r"the original message was received at|transcript of (?:the )?session follows|permanent fatal errors|permanent error|"
        r"returned to (?:the )?sender|return(?:ing|ed) (?:your )?(?:message|mail|e-?mail)|mailbox (?:is )?(?:full|unavailable|exceed|not found|disabled|inactive|unknown|does ?n[o'’]t exist)|"
        r"over quota|quota exceed|exceed(?:s|ed)? (?:the |its |his |allowed |storage )?(?:quota|allowed size|limit|mailbox)|user unknown|unknown user|no such user|recipient unknown|unknown recipient|"
        r"user (?:is )?(?:doesn['’]t exist|does not exist|not found|not known)|address (?:rejected|not found|unknown)|no such (?:mailbox|recipient|person|address|domain)|invalid (?:recipient|mailbox|address)|"
        r"not (?:listed in|accepting mail)|account (?:has been |is )?(?:disabled|inactive|discontinued|suspended)|message (?:was )?(?:rejected|blocked|refused)|"
        r"blocked by our|has been blocked|was blocked|considered unsolicited|banned (?:file)?name|still undelivered|will keep trying|delayed|queued|warning message only|"
        r"cannot send (?:your )?message|returned mail|non-?delivery|restricted sms|out of (?:disk )?space|"
        r"konnte nicht zugestellt werden|konnte (?:ihre |die )?(?:nachricht|e-?mail|mail) nicht|nicht zugestellt|übermittlung an folgende empf|zustellstatus|zustellung (?:ist )?fehlgeschlagen|unzustellbar|"
        r"n['’]a pas pu être (?:remis|distribu|délivr|achemin)|n['’]a pu être|non remis|impossible de (?:remettre|délivrer)|échec de|"
        r"no (?:se )?(?:pudo|ha podido|puede)[^.]{0,30}(?:entreg|enviar)|no ha sido entregado|error permanente|non è stato possibile|impossibile (?:recapitare|consegnare)|non (?:è stato )?(?:recapitato|consegnato)|"
        r"não (?:pôde|foi possível|pode)[^.]{0,20}(?:entreg)|kon niet worden (?:bezorgd|afgeleverd)|niet (?:worden )?(?:bezorgd|afgeleverd)|nie (?:mogła|może|można|został)[^.]{0,30}(?:dostarcz)|"
        r"не (?:было|может быть|удалось|удается|доставлено|могло быть)[^.]{0,30}(?:достав|отправ)|не доставлено|недоступен|"
        r"配信できません|送信できません|配達できません|送信されませんでした|宛先不明|受信者のメールボックス|届けることができ|メールボックスの容量|ユーザーが見つかりません|无法(?:投递|送达|发送|递送)|退信|投递失败|發送失敗|無法(?:傳|投|寄)|배달(?:되지|할 수)|전송(?:되지|할 수|에 실패)|반송"
    ),
    re.I,
)

# From here on the text is the returned message.
COPY = re.compile(
    r"^[ \t>*-]*+(?:below this line is a copy of the message|enclosed is a copy of the message|"
    r"this is a copy of (?:the|your) message|original message (?:follows|header|text|headers|begins)|the original message (?:follows|headers?)|(?:returned|undelivered) message(?: follows| headers?)?|"
    r"message (?:header(?:s)?|text|contents?) (?:follow|follows)|(?:the )?(?:header|headers|first part|body|text|start) of the (?:original )?message|unsent message (?:below|follows)|original (?:mail|e-?mail) (?:follows|message)|"
    r"included is a copy of the message|message dropped|your original message|message contents follow|attached is the (?:original|header)|copy of (?:the )?message|original[- ]message\b|"
    r"the following is the (?:original|beginning)|here is (?:the )?(?:header|your message)|the message headers?|"
    r"(?:(?<=---)|(?<=-- ))(?:nachricht|ihre nachricht|ursprüngliche nachricht|message d['’]origine|mensaje original|messaggio originale|mensagem original|oorspronkelijk bericht|исходное сообщение))",
    re.I | re.M,
)

# (status, words): the first that a diagnostic says. Class 4 may pass, class 5 will not.
REASONS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (status, re.compile(words, re.I))
    for status, words in (
        ("5.1.6", r"has moved|new address|no longer (?:with|works|employed)"),
        ("5.2.1", r"account (?:has been |is |was )?(?:disabled|inactive|discontinued|suspended|closed|deactivated)|mailbox (?:is )?(?:disabled|inactive)|disabled or discontinued|user (?:is )?(?:inactive|suspended)|not accepting mail"),
        ("5.1.1", r"user unknown|unknown user|no such (?:user|recipient|person|mailbox|address|local user)|recipient (?:address )?(?:unknown|not found|rejected)|unknown (?:recipient|local|e-?mail|address)|(?:user|account|address|mailbox|recipient) (?:\S+ ){0,3}(?:does ?n[o'’]t exist|not (?:exist|found|known|listed|available)|unavailable)|no mailbox here|not (?:listed in|our customer)|invalid (?:recipient|mailbox|address|user)|nosuchuser|bad destination|doesn['’]t have an? \S+ account|recipnotfound|unrouteable|not a valid|no account|nicht bekannt|unbekannt|existe pas|no existe|inconnu|нет такого|не найден|nie istnieje|宛先不明|見つかりません|不存在"),
        ("5.2.2", r"(?:mailbox|inbox|maildir|user|account|quota|storage)[^.\n]{0,60}(?:full|over ?quota|exceed|limit)|over ?quota|quota exceed|exceed(?:s|ed)?[^.\n]{0,40}(?:quota|allowed size|limit)|out of (?:disk )?space|insufficient (?:system )?storage|voll\b|pleine|lleno|pieno|容量"),
        ("5.3.4", r"(?:message|mail|size)[^.\n]{0,40}(?:too (?:large|big)|exceed)|too large|size limit|maximum (?:message )?size"),
        ("5.1.2", r"(?:host|domain|name)[^.\n]{0,30}(?:unknown|not found|lookup fail|does not exist)|unknown (?:host|domain)|dns error|nxdomain|no (?:such domain|mx)|unable to resolve|null mx|unrouteable mail domain"),
        ("5.4.6", r"too many hops|maximum hop|mail loop|loop(?:s)? (?:back|detected)"),
        ("5.7.1", r"spam|unsolicited|blacklist|blocklist|block ?list|blocked|banned|virus|policy|relay(?:ing)? (?:access )?denied|access denied|not (?:permitted|authori[sz]ed|allowed)|rejected|spf|dmarc|dkim|refused|restricted|denied"),
        ("4.4.7", r"timed? ?out|deferred|delayed|still undelivered|will keep trying|queue|retry|temporar|too many (?:connections|messages)|connection (?:refused|reset|lost)|no route|attempts|days?\b"),
    )
)  # fmt: skip

DELAYED = re.compile(
    r"warning message only|still undelivered|will keep trying|will (?:be retried|continue to try|retry)|delivery (?:is |has been )?delayed|"
    r"message delayed|(?:\(|: ?)delay\)?|not yet been delivered|could not send message for past|no action (?:is )?required|you do not need to resend|"
    r"has been delayed|delivery status notification \(delay\)|temporarily (?:deferred|delayed)|wird (?:weiter|erneut) versucht|zustellung verzögert|verzögert",
    re.I,
)

CONFIRM = re.compile(
    r"requires? (?:confirmation|verification)|sender (?:confirmation|verification)|confirm (?:that )?you(?:r| are)|challenge[- ]response|"
    r"prove (?:that )?you are (?:a )?human|guest list|waitlisted|must (?:first )?(?:confirm|verify|authenticate)|(?:verify|confirm) your (?:e-?mail|identity|message)|"
    r"click (?:on )?(?:the |this )?link[^.\n]{0,60}(?:deliver|release|confirm|verify)|awaiting your (?:confirmation|verification|reply)|held (?:for|until|pending)[^.\n]{0,40}(?:confirm|verif|moderat|approv)",
    re.I,
)
CHALLENGERS = re.compile(
    r"(?:^|[@.])(?:boxbe\.com|spamarrest\.com|mailblocks\.com|0spam\.com|bluebottle\.com|sendio\.com|digiportal\.com|choicemail\.\w+|cleanmymailbox\.com|antispam\.uol\.com\.br|quarantinemail\.com|spamwars\.com|vanquish\.com|knowspam\.net|tmda\.net)$"
)

# Senders and the addresses that a report names, the surest form first.
DAEMON = re.compile(
    r"^(?:mailer[-_.]?daemons?|mail[-_.]?daemon|mdaemon|maildelivery|mailerdaemon|mail-?delivery|double-bounce|bounces?|mail-bounce|returned-mail|undeliverable|nondelivery|no-?delivery)(?:[+-].*)?$",
    re.I,
)
MASTER = re.compile(
    r"^(?:postmaster|poostmaster|maildaemon|system|systemadministrator|administrator|mail-?admin|mailadmin|mailsystem|root|smtp|mta)$",
    re.I,
)
DAEMON_NAME = re.compile(
    r"mailer[ -]?daemon|mail[ -]delivery|delivery (?:sub)?system|mail (?:system|administrator|router|server)|postmaster|system administrator|content-filter|internet mail delivery|microsoft outlook$|mailbox delivery|systemadministrator|administrateur système|administrador del sistema",
    re.I,
)
ADDR = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~\u0080-\uffff-]{1,64}@[A-Za-z0-9\u0080-\uffff](?:[A-Za-z0-9.\u0080-\uffff-]{0,250}[A-Za-z0-9\u0080-\uffff])?"
LISTED = (
    re.compile(rf"^[ \t>*-]*<({ADDR})>(?=[ \t]*(?:$|:|\.\.\.|\(|,|-|;|\n))", re.M),
    re.compile(rf"^[ \t>*-]*(?:rcpt to:|recipient[: ]|to:|rcpt:|e-?mail[: ]|user[: ]|address[: ])[ \t]*<?({ADDR})>?[ \t.]*$", re.M | re.I),
    re.compile(rf"^[ \t>*-]*[\"']?({ADDR})[\"']?[ \t]*(?:$|:|;|,|\.\.\.|\(|<mailto:| - |on )", re.M),
    re.compile(rf"\b(?:to|recipients?(?:\(s\))?|address(?:es)?|user|mailbox|for|failed|attempts|size|account|unknown|an|à|a|para|кому|for user)\b(?=[\s:;\"'<\[(])[:;]?[ \t]*[\"'<\[(]*({ADDR})", re.I),
    re.compile(rf"[<\[(\"']({ADDR})[>\])\"']"),
    re.compile(rf"\b({ADDR})"),
)  # fmt: skip

# What people say of a bounce that they got; a report speaks of "your message", and asks nothing back.
TALK = re.compile(
    r"\b(?:can|could|would) (?:you|somebody|someone|anybody)\b|\b(?:i|we) (?:tried to (?:write|mail|e-?mail|reach)|get\b|keep\b|wrote|write|see\b|saw|think|need)|"
    r"\bplease (?:help|fix|advise|have a look|look into)|\b(?:our|my) (?:customers|domain|colleagues?|company|team|boss)\b|\b(?:when|whenever) (?:i|we)\b|\bany idea|what does (?:this|that)\b|am i\b|\byour (?:mail )?server\b|(?:best|kind) regards|viele grüße|mit freundlichen|"
    r"ich bekomme|wir bekommen|können sie|könnten sie|bitte (?:prüfen sie|helfen)|pouvez[- ]vous|podr[ií]an?\b|potete|можете|помогите",
    re.I,
)

# A report speaks to the sender; a person tells what an application said.
TO_SENDER = re.compile(
    r"your (?:e-?mail|message|mail)\b|you(?:['’]ve| have)? sent|following (?:address|recipient|message|user)|"
    r"ihre (?:e-?mail|nachricht|mail)|votre (?:message|courriel)|su mensaje|suo messaggio|sua mensagem|uw bericht|"
    r"ваш\w* (?:письм|сообщ)|twoja|vaš|您的邮件|次の|あて先|宛先"
)
