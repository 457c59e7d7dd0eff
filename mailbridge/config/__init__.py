"""The site configuration: INI, read once into frozen, validated models.

What it promises: load_config() gives a Config in which every value has been read and is in range, or tells
every mistake at once. Reading creates nothing and opens no other file; prepare_state() makes the state
folder.
How it fails: errors.ConfigInvalid (exit 78) with all problems.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from mailbridge.config.places import Endpoint
from mailbridge.config.reader import parse_ini, read_sections, read_text
from mailbridge.config.sections import (
    Governor,
    Imap,
    Lmtp,
    Relay,
    Section,
    Site,
    Smtp,
    Store,
    Voicemail,
    VoicemailRule,
    Worker,
)
from mailbridge.errors import CannotWrite, ConfigInvalid, Problem

__all__ = [
    "Config",
    "Endpoint",
    "Governor",
    "Imap",
    "Lmtp",
    "Relay",
    "Site",
    "Smtp",
    "Store",
    "Voicemail",
    "VoicemailRule",
    "Worker",
    "load_config",
    "parse_config",
    "policy_name",
    "rest_of_config",
]


S = TypeVar("S", bound=Section)


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration. A part that is None (imap: empty) is off.

    source is the file that it came from. voicemail_rules hold also where there is no [voicemail].
    """

    source: str
    site: Site
    store: Store
    smtp: Smtp | None = None
    lmtp: Lmtp | None = None
    imap: tuple[Imap, ...] = ()
    relay: Relay | None = None
    voicemail: Voicemail | None = None
    voicemail_rules: tuple[VoicemailRule, ...] = ()
    worker: Worker = field(default_factory=Worker)
    governor: Governor = field(default_factory=Governor)

    @property
    def plus_tokens(self) -> bool:
        """Whether Reply-To carries the case's token as a plus address.

        auto: only where we take mail ourselves, since not every mailbox provider knows plus addresses.
        """
        if self.site.reply_token == "auto":  # noqa: S105 - no password
            return self.smtp is not None or self.lmtp is not None
        return self.site.reply_token == "plus"  # noqa: S105

    @property
    def region(self) -> str:
        """Country by which telephone numbers without a prefix are read."""
        return (self.voicemail.region if self.voicemail else "") or self.site.region

    def mailbox_address(self, mailbox: Imap) -> str:
        """The address that mail of this mailbox was sent to."""
        if mailbox.address:
            return mailbox.address
        return (
            mailbox.user if mailbox.user.lower() in self.site.own_addresses else self.site.support[0].address
        )

    def prepare_state(self) -> Path:
        """Make the state folder (mode 0700) and the folder of the database file; idempotent.

        Raises CannotWrite with the path and the reason.
        """
        folders = [self.site.state, *([self.store.file.parent] if self.store.file else [])]
        for folder in folders:
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise CannotWrite(f"{folder}: the folder cannot be made: {error.strerror}") from error
        return self.site.state


def load_config(path: str | Path) -> Config:
    """Read the file. Raises ConfigInvalid with every mistake."""
    where = Path(path)
    return parse_config(read_text(where), str(where), where.absolute().parent)


def parse_config(text: str, source: str, base: Path) -> Config:
    """Read the text; relative paths in it start at base. Raises ConfigInvalid with every mistake."""
    sections, problems = read_sections(text, source, base)
    config = _assemble(sections, source, base) if not problems else None
    problems += _between(sections, source)
    if problems or config is None:
        raise ConfigInvalid(problems)
    return config


def rest_of_config(text: str, source: str, base: Path) -> Config | None:
    """What a wrong configuration says where it is right: without the keys and sections that are wrong.

    For a look at its files all the same; None where too little is left.
    """
    texts, _ = parse_ini(text, source)
    for _ in range(3):
        written = [
            line
            for name, values in texts.items()
            for line in (f"[{name}]", *(f"{key} = {values[key]}".replace("\n", "\n ") for key in values))
        ]
        try:
            return parse_config("\n".join(written), source, base)
        except ConfigInvalid as error:
            for problem in error.problems:
                if texts.get(problem.section, {}).pop(problem.key, None) is None:
                    texts.pop(problem.section, None)
    return None


def _assemble(sections: dict[str, Section], source: str, base: Path) -> Config:
    site = sections["site"]
    assert isinstance(site, Site)
    site = site.model_copy(update={"policy": policy_name(site.policy, base)})
    store = _pick(sections, Store) or Store()
    if not store.url:
        store = store.model_copy(update={"url": f"sqlite:///{site.state / 'mailbridge.db'}"})
    rules = _every(sections, VoicemailRule)
    voicemail = _pick(sections, Voicemail)
    return Config(
        source=source,
        site=site,
        store=store,
        smtp=_pick(sections, Smtp),
        lmtp=_pick(sections, Lmtp),
        imap=_every(sections, Imap),
        relay=_pick(sections, Relay),
        voicemail=voicemail.model_copy(update={"rules": rules}) if voicemail else None,
        voicemail_rules=rules,
        worker=_pick(sections, Worker) or Worker(),
        governor=_pick(sections, Governor) or Governor(),
    )


def _pick(sections: dict[str, Section], kind: type[S]) -> S | None:
    return next(iter(_every(sections, kind)), None)


def _every(sections: dict[str, Section], kind: type[S]) -> tuple[S, ...]:
    return tuple(section for section in sections.values() if type(section) is kind)


def policy_name(policy: str, base: Path) -> str:
    """The policy as load_policy takes it: a path where it looks like one, else a name as it stands."""
    return str(base / policy) if "/" in policy or policy.endswith(".ini") else policy


def _between(sections: dict[str, Section], source: str) -> list[Problem]:
    """What sections that are right each for itself say against each other."""
    return [*_same_mailbox(sections, source), *_same_place(sections, source)]


def _same_mailbox(sections: dict[str, Section], source: str) -> Iterator[Problem]:
    names: dict[str, str] = {}
    places: dict[tuple[str, ...], str] = {}
    for title, section in sections.items():
        if not isinstance(section, Imap):
            continue
        if section.name in names:
            yield Problem(source, title, "", f"has the same name as [{names[section.name]}]")
        place = (section.host.lower(), str(section.port), section.user.lower(), section.folder)
        if place in places:
            # two cursors over one folder would flag or move what the other has not seen
            yield Problem(
                source, title, "folder", f"is read by [{places[place]}] already: same host, user and folder"
            )
        names[section.name] = places[place] = title


def _same_place(sections: dict[str, Section], source: str) -> Iterator[Problem]:
    smtp, lmtp = _pick(sections, Smtp), _pick(sections, Lmtp)
    for endpoint in lmtp.listen if smtp and lmtp else ():
        if smtp and endpoint.port and endpoint in smtp.listen:
            yield Problem(source, "lmtp", "listen", f"{endpoint} is taken by [smtp]; wanted: another place")
