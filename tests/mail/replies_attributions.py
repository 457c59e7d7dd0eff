# ruff: noqa: E501 - tables, a row each
"""The line above the history, as mail clients write it in each language.

{n} is the name, {a} the address, ¶ a line's end; "marks": stands above quoted lines only; "top":
likewise, and the answer above it.

FIRST was written before the tables of words were mended by it, LATER afterwards, to see how they hold for what
they were not made for.
"""

from __future__ import annotations

FIRST = """
Gmail en|On Mon, May 4, 2026 at 3:07 PM {n} <{a}> wrote:
Gmail en-GB|On Mon, 4 May 2026 at 15:07, {n} <{a}> wrote:
Gmail de|Am Mo., 4. Mai 2026 um 15:07 Uhr schrieb {n} <{a}>:
Gmail fr|Le lun. 4 mai 2026 à 15:07, {n} <{a}> a écrit :
Gmail es|El lun, 4 may 2026 a las 15:07, {n} (<{a}>) escribió:
Gmail pt-BR|Em seg., 4 de mai. de 2026 às 15:07, {n} <{a}> escreveu:
Gmail pt-PT|{n} <{a}> escreveu (segunda, 4/05/2026 à(s) 15:07):
Gmail it|Il giorno lun 4 mag 2026 alle ore 15:07 {n} <{a}> ha scritto:
Gmail nl|Op ma 4 mei 2026 om 15:07 schreef {n} <{a}>:
Gmail sv|Den mån 4 maj 2026 kl 15:07 skrev {n} <{a}>:
Gmail da|Den man. 4. maj 2026 kl. 15.07 skrev {n} <{a}>:
Gmail no|man. 4. mai 2026 kl. 15:07 skrev {n} <{a}>:
Gmail fi|ma 4. toukok. 2026 klo 15.07 {n} ({a}) kirjoitti:
Gmail pl|pon., 4 maj 2026 o 15:07 {n} <{a}> napisał(a):
Gmail cs|po 4. 5. 2026 v 15:07 odesílatel {n} <{a}> napsal:
Gmail sk|po 4. 5. 2026 o 15:07 {n} <{a}> napísal(a):
Gmail hu|{n} <{a}> ezt írta (időpont: 2026. máj. 4., H, 15:07):
Gmail ro|În lun., 4 mai 2026 la 15:07, {n} <{a}> a scris:
Gmail tr|{n} <{a}>, 4 May 2026 Pzt, 15:07 tarihinde şunu yazdı:
Gmail ru|пн, 4 мая 2026 г. в 15:07, {n} <{a}>:
Gmail uk|пн, 4 трав. 2026 р. о 15:07 {n} <{a}> пише:
Gmail el|Στις Δευ 4 Μαΐ 2026 στις 3:07 μ.μ., ο χρήστης {n} <{a}> έγραψε:
Gmail bg|На пн, 4.05.2026 г. в 15:07 {n} <{a}> написа:
Gmail hr|pon, 4. svi 2026. u 15:07 {n} <{a}> napisao je:
Gmail sr|пон, 4. мај 2026. у 15:07 {n} <{a}> је написао/ла:
Gmail sl|V V pon., 4. maj 2026 ob 15:07 je oseba {n} <{a}> napisala:
Gmail lt|2026-05-04, pr, 15:07 {n} <{a}> rašė:
Gmail lv|pirmd., 2026. g. 4. maijs, plkst. 15:07 — lietotājs {n} (<{a}>) rakstīja:
Gmail et|Kuupäev E, 4. mai 2026 kell 15:07 kirjutas kasutaja {n} (<{a}>):
Gmail ja|2026年5月4日(月) 15:07 {n} <{a}>:
Gmail zh-CN|{n} <{a}> 于2026年5月4日周一 15:07写道：
Gmail zh-TW|{n} <{a}> 於 2026年5月4日 週一 下午3:07寫道：
Gmail ko|2026년 5월 4일 (월) 오후 3:07, {n} <{a}>님이 작성:
Gmail vi|Vào Th 2, 4 thg 5, 2026 vào lúc 15:07 {n} <{a}> đã viết:
Gmail th|ในวันที่ จ. 4 พ.ค. 2026 เวลา 15:07 {n} <{a}> เขียนว่า:
Gmail id|Pada tanggal Sen, 4 Mei 2026 pukul 15.07 {n} <{a}> menulis:
Gmail ar|في الاثنين، 4 مايو 2026 في 3:07 م تمت كتابة ما يلي بواسطة {n} <{a}>:
Gmail he|‫בתאריך יום ב׳, 4 במאי 2026 ב-15:07 מאת ‪{n}‬‏ <‪{a}‬‏>:‬
Gmail ca|Missatge de {n} <{a}> del dia dl., 4 de maig 2026 a les 15:07:
Gmail is|Þann mán., 4. maí 2026 kl. 15:07 skrifaði {n} <{a}>:
Apple en|On 4 May 2026, at 15:07, {n} <{a}> wrote:
Apple fr|Le 4 mai 2026 à 15:07, {n} <{a}> a écrit :
Apple it|Il giorno 4 mag 2026, alle ore 15:07, {n} <{a}> ha scritto:
Apple nl|Op 4 mei 2026 om 15:07 heeft {n} <{a}> het volgende geschreven:
Apple sv|4 maj 2026 kl. 15:07 skrev {n} <{a}>:
Apple fi|{n} <{a}> kirjoitti 4.5.2026 kello 15.07:
Apple pl|Wiadomość napisana przez {n} <{a}> w dniu 4 maj 2026, o godz. 15:07:
Apple cs|4. 5. 2026 v 15:07, {n} <{a}>:
Apple sk|Dňa 4. 5. 2026 o 15:07 užívateľ {n} <{a}> napísal:
Apple hu|2026. máj. 4. dátummal, 15:07 időpontban {n} <{a}> írta:
Apple tr|{n} <{a}> şunları yazdı (4 May 2026 15:07):
Apple ru|4 мая 2026 г., в 15:07, {n} <{a}> написал(а):
Apple uk|4 трав. 2026 р. о 15:07 {n} <{a}> написав(-ла):
Apple el|4 Μαΐ 2026, 15:07, ο/η «{n} <{a}>» έγραψε:
Apple hr|Dana 4. svi. 2026., u 15:07, {n} <{a}> je napisao/la:
Apple pt-PT|No dia 04/05/2026, às 15:07, {n} <{a}> escreveu:
Apple pt-BR|Em 4 de mai. de 2026, à(s) 15:07, {n} <{a}> escreveu:
Apple ja|2026/05/04 15:07、{n} <{a}>のメール:
Apple zh-CN|2026年5月4日 15:07，{n} <{a}> 写道：
Apple ko|2026. 5. 4. 오후 3:07, {n} <{a}> 작성:
Apple vi|Vào 15:07, 4 thg 5, 2026, {n} <{a}> đã viết:
Apple he|ב-4 במאי 2026, בשעה 15:07, ‏{n} <{a}> כתב/ה:
Apple ar|في ٤ مايو ٢٠٢٦، الساعة ٣:٠٧ م، كتب/كتبت {n} <{a}>:
Thunderbird en|On 04/05/2026 15:07, {n} wrote:
Thunderbird en-US|On 5/4/26 3:07 PM, {n} wrote:
Thunderbird de|Am 04.05.26 um 15:07 schrieb {n}:
Thunderbird es|El 4/5/26 a las 15:07, {n} escribió:
Thunderbird nl|Op 04-05-2026 om 15:07 schreef {n}:
Thunderbird pl|W dniu 4.05.2026 o 15:07, {n} pisze:
Thunderbird ru|04.05.2026 15:07, {n} пишет:
Thunderbird cs|Dne 04. 05. 26 v 15:07 {n} napsal(a):
Thunderbird sv|Den 2026-05-04 kl. 15:07, skrev {n}:
Thunderbird hu|2026. 05. 04. 15:07 keltezéssel, {n} írta:
Thunderbird zh|在 2026/5/4 15:07, {n} 写道:
Thunderbird zh-TW|{n} 於 2026/5/4 下午 03:07 寫道:
Thunderbird ja|2026/05/04 15:07、{n} さんは書きました:
Thunderbird ko|2026-05-04 오후 3:07에 {n} 이(가) 쓴 글:
Thunderbird el|Στις 4/5/26 15:07, ο/η {n} έγραψε:
Thunderbird pt|Às 15:07 de 04/05/2026, {n} escreveu:
Thunderbird bg|На 4.05.26 г. в 15:07 ч., {n} написа:
Thunderbird he|בתאריך 04/05/2026 בשעה 15:07, {n} כתב:
Thunderbird sl|Dne 4. 05. 26 ob 15:07 je {n} napisal(a):
Thunderbird et|{n} kirjutas 04.05.2026 kell 15:07:
Thunderbird ca|El 4/5/26 a les 15:07, {n} ha escrit:
Yahoo en|On Monday, May 4, 2026 at 03:07:12 PM GMT+2, {n} <{a}> wrote:
Yahoo de|Am Montag, 4. Mai 2026 um 15:07:12 MESZ hat {n} <{a}> Folgendes geschrieben:
Yahoo es|En lunes, 4 de mayo de 2026, 15:07:12 GMT+2, {n} <{a}> escribió:
Yahoo pt|Em segunda-feira, 4 de maio de 2026 15:07:12 BRT, {n} <{a}> escreveu:
Yahoo nl|Op maandag 4 mei 2026 15:07:12 CEST schreef {n} <{a}>:
Roundcube en|On 2026-05-04 15:07, {n} wrote:
Roundcube de|Am 2026-05-04 15:07, schrieb {n}:
Roundcube nl|{n} schreef op 2026-05-04 15:07:
Roundcube hu|2026-05-04 15:07 időpontban {n} ezt írta:
Roundcube ru|{n} писал 2026-05-04 15:07:
Horde en|Quoting {n} <{a}>:
Horde de|Zitat von {n} <{a}>:
Horde cs|Citát {n} <{a}>:
Horde bare|{n} <{a}> wrote:
mutt|On Mon, May 04, 2026 at 03:07:12PM +0200, {n} wrote:
mutt short|* {n} <{a}> [2026-05-04 15:07]:
pine|On Mon, 4 May 2026, {n} wrote:
KMail de|Am Montag, 4. Mai 2026, 15:07:12 CEST schrieb {n}:
Evolution en|On Mon, 2026-05-04 at 15:07 +0200, {n} wrote:
Evolution de|Am Montag, dem 04.05.2026 um 15:07 +0200 schrieb {n}:
The Bat|Monday, May 4, 2026, 3:07:12 PM, you wrote:
The Bat ru|Вы писали 4 мая 2026 г., 15:07:12:
Proton|On Monday, May 4th, 2026 at 3:07 PM, {n} <{a}> wrote:
Tutanota en|May 4, 2026, 3:07 PM by {a}:
Tutanota de|4. Mai 2026, 15:07 von {a}:
Fastmail|On Mon, 4 May 2026, at 3:07 PM, {n} wrote:
Superhuman|On Mon, May 04, 2026 at 3:07 PM, {n} < {a} > wrote:
Spark|On May 4, 2026, 3:07 PM +0200, {n} <{a}>, wrote:
163|At 2026-05-04 15:07:12, "{n}" <{a}> wrote:
163 zh|在 2026-05-04 15:07:12，"{n}" <{a}> 写道：
Mail.ru|Понедельник, 4 мая 2026, 15:07 +03:00 от {n} <{a}>:
Yandex|04.05.2026, 15:07, "{n}" <{a}>:
Freshdesk|On Mon, 4 May at 3:07 PM, {n} <{a}> wrote:
GroupWise|>>> {n} <{a}> 5/4/2026 3:07 PM >>>
Notes|{n}/EXAMPLE wrote on 05/04/2026 03:07:00 PM:
Notes de|{n} <{a}> schrieb am 04.05.2026 15:07:12:
Zimbra|----- On May 4, 2026, at 3:07 PM, {n} {a} wrote:
Zimbra fr|----- Le 4 Mai 26, à 15:07, {n} {a} a écrit :
Outlook mobile|On May 4, 2026 at 3:07 PM +0200, "{n}" <{a}> wrote:
Zoho|---- On Mon, 04 May 2026 15:07:12 +0200 {n} <{a}> wrote ----
""".strip().splitlines()

LATER = """
Gmail fa|در تاریخ دوشنبه ۴ مهٔ ۲۰۲۶،‏ ۱۵:۰۷ {n} <‪{a}‬‏> نوشت:
Gmail hi|सोम, 4 मई 2026 को 3:07 pm बजे को {n} <{a}> ने लिखा:
Gmail ms|Pada Isn, 4 Mei 2026 pada 3:07 PTG {n} <{a}> menulis:
Gmail eu|{n} (<{a}>) igorleak hau idatzi zuen (2026 mai. 4(a), al. (15:07)):
Gmail gl|O luns, 4 de mai. de 2026 ás 15:07, {n} <{a}> escribiu:
Gmail ka|ორშ, 4 მაი. 2026, 15:07-ზე მომხმარებელმა {n} <{a}> დაწერა:
Gmail mk|На пон., 4.5.2026 г. во 15:07 ч., {n} <{a}> напиша:
Gmail af|Op Ma. 04 Mei 2026 om 15:07 skryf {n} <{a}>:
Gmail tl|Noong Lun, Mayo 4, 2026 nang 3:07 PM, sinulat ni {n} <{a}> ang:
Gmail sw|Mnamo Jtt, 4 Mei 2026 saa 15:07, {n} <{a}> aliandika:
Gmail ro short|lun., 4 mai 2026, 15:07 {n} <{a}> a scris:
Gmail old ja|2026/5/4 {n} <{a}>|marks
Gmail old es|El 4 de mayo de 2026, 15:07, {n}<{a}> escribió:
Gmail old it|Il giorno 4 maggio 2026 15:07, {n} <{a}> ha scritto:
Gmail old de|Am 4. Mai 2026 15:07 schrieb {n} <{a}>:
Gmail old nl|Op 4 mei 2026 15:07 schreef {n} <{a}>:
Gmail old fr|Le 4 mai 2026 15:07, {n} <{a}> a écrit :
Gmail old pl|W dniu 4 maja 2026 15:07 użytkownik {n} <{a}> napisał:
Gmail old ru|4 мая 2026 г., 15:07 пользователь {n} <{a}> написал:
Gmail old pt|Em 4 de maio de 2026 15:07, {n} <{a}> escreveu:
Gmail old sv|Den 4 maj 2026 15:07 skrev {n} <{a}>:
Gmail phone|On Mon, May 4, 2026, 3:07 PM {n} <{a}> wrote:
Gmail phone de|{n} <{a}> schrieb am Mo., 4. Mai 2026, 15:07:
Gmail phone it|Il lun 4 mag 2026, 15:07 {n} <{a}> ha scritto:
Gmail phone es|El lun., 4 may. 2026 15:07, {n} <{a}> escribió:
Gmail phone nl|Op ma 4 mei 2026 15:07 schreef {n} <{a}>:
Gmail phone tr|4 May 2026 Pzt 15:07 tarihinde {n} <{a}> şunu yazdı:
Gmail phone ja|2026年5月4日(月) 午後3:07 {n} <{a}>:
Gmail phone ru|пн, 4 мая 2026 г., 15:07 {n} <{a}>:
Apple en-US|On May 4, 2026, at 3:07 PM, {n} <{a}> wrote:
Apple en-AU narrow blank|On 4 May 2026, at 3:07 pm, {n} <{a}> wrote:
Apple no|4. mai 2026 kl. 15:07 skrev {n} <{a}>:
Apple zh-TW|{n} <{a}> 於 2026年5月4日 下午3:07 寫道：
Apple id|Pada 4 Mei 2026, pukul 15.07, {n} <{a}> menulis:
Apple ms|Pada 4 Mei 2026, pada 3:07 PTG, {n} <{a}> menulis:
Apple th|เมื่อวันที่ 4 พ.ค. 2569 เวลา 15:07 {n} <{a}> เขียน:
Apple ca|El dia 4 maig 2026, a les 15:07, {n} <{a}> va escriure:
Apple hr old|{n} <{a}> je 4.5.2026. u 15:07 napisao:
Apple ja old|On 2026/05/04, at 15:07, {n} <{a}> wrote:
Apple ko old|2026. 5. 4., 15:07, {n} <{a}> 작성:
Apple de old|Am 04.05.2026 um 15:07 schrieb {n}:
Apple quoted name|On May 4, 2026, at 3:07 PM, "{n} (Support)" <{a}> wrote:
Apple via|On May 4, 2026, at 3:07 PM, {n} via Support <{a}> wrote:
Thunderbird tr|{n} yazdı (4.05.2026 15:07):
Thunderbird ro|La 04.05.2026 15:07, {n} a scris:
Thunderbird da|Den 04.05.2026 kl. 15.07 skrev {n}:
Thunderbird nb|Den 04.05.2026 15:07, skrev {n}:
Thunderbird uk|04.05.26 15:07, {n} пише:
Thunderbird hr|Dana 4.5.2026. u 15:07, {n} je napisao/la:
Thunderbird sk|Dňa 4. 5. 2026 o 15:07 {n} napísal(a):
Thunderbird eu|{n}(e)k idatzi zuen 2026-05-04 15:07(e)tan:
Thunderbird pt-BR|Em 04/05/2026 15:07, {n} escreveu:
Thunderbird cy|Ar 04/05/2026 15:07, ysgrifennodd {n}:
Thunderbird is|Þann 4.5.2026 15:07, skrifaði {n}:
Thunderbird vi|Vào 04/05/2026 15:07, {n} đã viết:
Thunderbird bare|{n} wrote:|marks
Thunderbird bare de|{n} schrieb:|marks
Roundcube es|El 2026-05-04 15:07, {n} escribió:
Roundcube it|Il 2026-05-04 15:07 {n} ha scritto:
Roundcube pt|Em 2026-05-04 15:07, {n} escreveu:
Roundcube cs|Dne 2026-05-04 15:07, {n} napsal:
Roundcube sv|2026-05-04 15:07 skrev {n}:
Roundcube da|Den 2026-05-04 15:07, {n} skrev:
Roundcube fi|{n} kirjoitti 2026-05-04 15:07:
Roundcube tr|{n}, 2026-05-04 15:07 tarihinde şunu yazdı:
Horde fr|{n} <{a}> a écrit :
Horde es|{n} <{a}> escribió:
Horde it|Citando {n} <{a}>:
Horde nl|Citeren {n} <{a}>:
Evolution fr|Le lundi 04 mai 2026 à 15:07 +0200, {n} a écrit :
Evolution es|El lun, 04-05-2026 a las 15:07 +0200, {n} escribió:
Evolution it|Il giorno lun, 04/05/2026 alle 15.07 +0200, {n} ha scritto:
KMail fr|Le lundi 4 mai 2026, 15:07:12 CEST {n} a écrit :
Claws|On Mon, 4 May 2026 15:07:12 +0200¶{n} <{a}> wrote:
Sylpheed|On Mon, 4 May 2026 15:07:12 +0200¶"{n}" <{a}> wrote:
Pegasus|On 4 May 2026 at 15:07, {n} wrote:
Eudora|At 15:07 04.05.2026, {n} wrote:
Opera|On Mon, 04 May 2026 15:07:12 +0200, {n} <{a}> wrote:
Gnus|{n} <{a}> writes:
Mutt de|Am Mon, May 04, 2026 at 03:07:12PM +0200 schrieb {n}:
Mutt dated|On 2026-05-04 15:07, {n} wrote:
Mailspring|On May 4 2026, at 3:07 pm, {n} <{a}> wrote:
Airmail|On 4 May 2026 at 15:07:12, {n} ({a}) wrote:
Newton|On Mon, May 04, 2026 at 3:07 PM {n} <¶{a}¶> wrote:
Hey|On May 4, 2026, {n} <{a}> wrote:
Missive|On May 4, 2026 at 3:07:12 PM, {n} ({a}) wrote:
Help Scout|On Mon, May 4, 2026 at 3:07 PM CEST, {n} <{a}> wrote:
Front|On May 4, 2026 at 3:07 PM GMT+2 {n} <{a}> wrote:
Tuta fr|4 mai 2026, 15:07 de {a}:
Mail.ru 2|Понедельник, 4 мая 2026 г., 15:07 +03:00 от {n} <{a}>:
Rambler|04.05.2026, 15:07, "{n}" <{a}> писал:
Outlook mobile de|Am 4. Mai 2026 um 15:07:12 MESZ, "{n}" <{a}> schrieb:
Outlook old|On 5/4/26, 3:07 PM, "{n}" <{a}> wrote:
Entourage|On 04/05/2026 15:07, "{n}" <{a}> wrote:
Zimbra en 2|From: "{n}" <{a}>, Monday, May 4, 2026 3:07:12 PM wrote:
Onet|W dniu 2026-05-04 15:07:12 użytkownik {n} <{a}> napisał:
WP|Dnia 4 maja 2026 15:07 {n} <{a}> napisał(a):
Interia|Od: "{n}" <{a}> napisał 4 maja 2026 o 15:07:
Centrum|______________________________________________________________¶> Od: "{n}" <{a}>¶> Datum: 04.05.2026 15:07:|top
Freenet|--- Ursprüngliche Nachricht ---¶Von: {n} <{a}>¶Datum: 04.05.2026 15:07:12¶An: pat@customer.example¶Betreff: Drucker
""".strip().splitlines()
