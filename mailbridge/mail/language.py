# ruff: noqa: E501 - tables of words, a row a language
"""The language of a text, guessed by its script and its commonest small words.

Promises: two letters (ISO 639-1), or "" where unsure: a wrong language is worse than none, since notices
follow it. Pure, bounded: reads the first 4,000 characters. Short texts and close relatives (nb/da, cs/sk)
need clear evidence.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

_READ: Final = 4_000
_LEAST_HITS: Final = 3
_LEAD: Final = 1.3  # the best must have so many times the hits of the second

_WORDS: Final = {
    "en": "the and you your for that this with have not are can please we was our but will thanks is it to of i my hello",
    "de": "der die das und ist nicht ich sie wir ein eine mit für auf bitte haben den dem zu von es kann danke werden hallo",
    "fr": "le la les des est et vous nous pas pour une que dans avec sur je merci bonjour votre ce qui du au ne mais être",
    "es": "el los las una que para por con no es usted gracias su se lo como pero está hola del mi puede tengo muy en y",
    "it": "il che di non per una con sono grazie della è ho mi si del anche come buongiorno gli alla questo ma più le ed",
    "pt": "não que para uma com os as por obrigado você é do da em se mas está meu no na olá muito foi minha ao já são",
    "nl": "de het een en van ik niet dat is voor met op wij zijn hebben u bedankt maar ook graag kunt aan dit wordt hallo",
    "sv": "och att det är inte jag en som på för med har till vi tack kan av den hej ni om så men ett mig detta från",
    "da": "og at det er ikke jeg en som på for med har til vi tak kan af den hej der men et mig også hvad fra blevet være",
    "nb": "og at det er ikke jeg en som på for med har til vi takk kan av den hei dere men et meg også hva fra blitt være",
    "fi": "ja on ei että se en ole kiitos mutta myös voi tämä kun hei olen niin jos minun sen ovat oli joka teidän mitä",
    "pl": "nie i w na się z że do jest to dzień dobry dziękuję proszę mam ale jak o po pan czy od są dla przez który",
    "cs": "je se na že to v a s z děkuji jsem není prosím dobrý den ale jak do pro který mám jsou bych už nebo při ještě",
    "sk": "je sa na že to v a s z ďakujem som nie prosím dobrý deň ale ako do pre ktorý mám sú by už alebo pri ešte",
    "hu": "a az és hogy nem is van egy köszönöm meg kérem jó de ez csak mint volt lehet vagy ha már kell ki fel napot",
    "ro": "și nu este că în la de o un mulțumesc pentru cu care am vă dar sunt bună ziua din mai pe a fost să ce această",
    "tr": "ve bir bu için ile de da değil merhaba teşekkürler çok ama var ne gibi olarak daha mi ben siz lütfen kadar",
    "hr": "i je se na u da ne za što su sam hvala od s kako ali ili to dobar dan molim nije bi biti ima mi već samo koji",
    "et": "ja on ei see et ma kui aga oli tänan ka mis või tere palun oma meie teie saab siis veel olen seda kas pole",
}
_CYRILLIC: Final = {
    "ru": "и в не на что я с это как по вы мы но здравствуйте спасибо для пожалуйста у за от же бы так мне все было",
    "uk": "і в не на що я з це як та ви ми але дякую для будь ласка у за від ж би так мені все було є й ще доброго",
    "bg": "и в не на че аз с това как по вие ние но благодаря за моля от да се ще е съм са го ми здравейте какво при",
}
_LATIN_SETS: Final = {name: frozenset(words.split()) for name, words in _WORDS.items()}
_CYRILLIC_SETS: Final = {name: frozenset(words.split()) for name, words in _CYRILLIC.items()}
_SCRIPTS: Final = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
)
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_CYRILLIC_LETTER: Final = re.compile(r"[\u0400-\u04ff]")


def guess_language(text: str) -> str:
    """Two letters, or "" where unsure."""
    sample = text[:_READ].lower()
    letters = sum(map(str.isalpha, sample))
    if letters < 2:
        return ""
    for name, script in _SCRIPTS:
        # Japanese mixes scripts: a fifth of kana is enough.
        if len(script.findall(sample)) * (5 if name == "ja" else 2) >= letters:
            return name
    cyrillic = len(_CYRILLIC_LETTER.findall(sample)) * 2 >= letters
    words = _LETTERS.findall(sample)
    return _best(words, _CYRILLIC_SETS if cyrillic else _LATIN_SETS)


def _best(words: list[str], sets: dict[str, frozenset[str]]) -> str:
    hits = Counter({name: sum(word in known for word in words) for name, known in sets.items()})
    (first, most), (_, second) = hits.most_common(2)
    if most < _LEAST_HITS or most * 12 < len(words) or most < second * _LEAD:
        return ""
    return first
