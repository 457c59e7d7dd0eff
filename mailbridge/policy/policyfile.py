"""A policy file (INI) read into a Policy, or every mistake in it at once.

Promises: `parse_policy` either returns a policy in which every name leads somewhere (plans, severities,
calendars, zones, holidays, addresses) and every plan and severity has a first answer or says `none`, or
raises ConfigInvalid with all the problems, by section and key. The same text gives the same policy; its
version is the text's digest.

Schema (docs/policies.md shows it with examples):
    [policy]                     name, title, language, calendar, default-plan, mail-severity, ...
    [calendar NAME]              zone, monday-thursday = 06:00-17:00, holidays, observed, relative, ...
    [severity NAME] [plan NAME]  title, description, calendar
    [target PLAN SEVERITY]       first, next, update, resolution, calendar; * for every plan or severity
    [auto-close] [escalation] [answers] [links] [words] [texts]
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar

from mailbridge.errors import ConfigInvalid, Problem
from mailbridge.model.policy import AutoClose, Level, Plan, Policy, Severity, Target, TargetKind
from mailbridge.policy import values
from mailbridge.policy.calendarfile import CALENDAR_KEYS, CalendarSection, always
from mailbridge.policy.inifile import read_ini

T = TypeVar("T")
Cell = tuple[str, str]

# Wordings of the policy that notices may quote, by topic.
TOPICS = (
    "register", "entitlement", "escalation", "emergency", "severity", "holidays", "after-hours",
    "cooperation", "coverage", "exclusions", "access", "split", "downloads", "disclaimer", "contacts",
    "languages",
)  # fmt: skip
_KEYS: Mapping[str, tuple[str, ...]] = {
    "policy": (
        "name", "title", "language", "languages", "calendar", "default-plan", "default-severity",
        "mail-severity", "acknowledgement-counts", "warn-before", "second-zones", "attachment-limit",
    ),
    "calendar": CALENDAR_KEYS,
    "severity": ("title", "description", "calendar"),
    "plan": ("title", "calendar"),
    "target": ("first", "next", "update", "resolution", "calendar"),
    "auto-close": ("after", "warn-before", "reopen-within"),
    "escalation": ("when-missed", "review", "level.N"),
    "answers": ("per-address-per-day",),
    "links": ("portal", "help", "knowledge-base", "user-guide", "downloads", "website", "phone"),
    "words": ("resolved", "thanks", "contact-changes"),
    "texts": TOPICS,
}  # fmt: skip
_NAMED = {"calendar": 1, "severity": 1, "plan": 1, "target": 2}


class Reader:
    """The sections with what was found wrong in them. A bad value is replaced by a default and reported."""

    def __init__(self, text: str, source: str) -> None:
        self.source = source
        self.sections, self.problems = read_ini(text, source)

    def complain(self, section: str, key: str, message: str) -> None:
        self.problems.append(Problem(self.source, section, key, message))

    def get(self, section: str, key: str) -> str:
        return self.sections.get(section, {}).get(key, "").strip()

    def read(self, section: str, key: str, parse: Callable[[str], T], default: T) -> T:
        """The parsed value, or default where the key is absent or wrong; an empty value is wrong."""
        text = self.sections.get(section, {}).get(key)
        if text is None:
            return default
        return self.tried(section, key, text.strip(), parse, default)

    def tried(self, section: str, key: str, text: str, parse: Callable[[str], T], default: T) -> T:
        """text parsed, or default with the problem noted."""
        try:
            return parse(text)
        except ValueError as error:
            self.complain(section, key, str(error))
            return default

    def each(self, section: str, key: str, parse: Callable[[str], T]) -> tuple[T, ...]:
        """The good items of a list; each bad one is a problem of its own."""
        found: list[T] = []
        for item in values.split_list(self.get(section, key)):
            self.tried(section, key, item, lambda text: found.append(parse(text)), None)
        return tuple(found)

    def named(self, kind: str) -> dict[str, str]:
        """name -> section, of the sections `[kind name]`."""
        split = [section.split() for section in self.sections]
        return {words[1]: " ".join(words) for words in split if words[0] == kind and len(words) == 2}


def parse_policy(text: str, source: str) -> Policy:
    """The policy that the text says; source names it in problems. Raises ConfigInvalid with every problem."""
    reader = Reader(text, source)
    policy = _Assembly(
        reader, hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    ).policy()
    if reader.problems:
        # each once, and those of one place in the order of the file
        problems = dict.fromkeys(reader.problems)
        raise ConfigInvalid(sorted(problems, key=lambda problem: (problem.section, problem.key)))
    return policy


def _flat(text: str) -> str:
    """A wording as one paragraph: the file's line ends are no part of it."""
    return " ".join(text.split())


class _Assembly:
    """Builds the parts in the order in which they refer to each other."""

    def __init__(self, reader: Reader, version: str) -> None:
        self.reader = reader
        self.version = version
        self._check_sections()
        self.plans = self._plans()
        self.severities = self._severities()
        self.calendar = reader.get("policy", "calendar").lower() or next(
            iter(reader.named("calendar")), "always"
        )
        sections = reader.named("calendar")
        self.calendars = {
            name: CalendarSection(reader, section, name).calendar() for name, section in sections.items()
        }
        if "always" not in self.calendars:
            home = self.calendars.get(self.calendar)
            self.calendars["always"] = always(home.zone if home else None)

    def _check_sections(self) -> None:
        """Unknown sections and keys."""
        for section, keys in self.reader.sections.items():
            kind, *names = section.split() or [""]
            if kind not in _KEYS or len(names) != _NAMED.get(kind, 0):
                accepted = ", ".join(
                    f"[{' '.join([known, *['NAME'] * _NAMED.get(known, 0)])}]" for known in _KEYS
                )
                self.reader.complain(section, "", f"unknown section; there are {accepted}")
                continue
            for name in names:
                if not (kind == "target" and name == "*"):
                    self.reader.tried(section, "", name, values.parse_name, "")
            for key in keys:
                self._check_key(kind, section, key)
        if "policy" not in self.reader.sections:
            self.reader.complain("policy", "", "the section is missing; it names the policy")

    def _check_key(self, kind: str, section: str, key: str) -> None:
        known = key in _KEYS[kind]
        known = known or (kind == "calendar" and bool(values.parse_weekdays(key)))
        known = known or (kind == "escalation" and key.startswith("level."))
        if not known:
            self.reader.complain(section, key, f"unknown key; there are {', '.join(_KEYS[kind])}")

    def _title(self, section: str, name: str) -> str:
        return _flat(self.reader.get(section, "title")) or name.replace("-", " ").capitalize()

    def _plans(self) -> tuple[Plan, ...]:
        found = self.reader.named("plan").items()
        if not found:
            self.reader.complain("plan NAME", "", "the policy has no plan; write at least one such section")
        return tuple(
            Plan(name, self._title(section, name), self._calendar_name(section)) for name, section in found
        )

    def _severities(self) -> tuple[Severity, ...]:
        found = self.reader.named("severity").items()
        if not found:
            self.reader.complain(
                "severity NAME", "", "the policy has no severity; write at least one such section"
            )
        return tuple(
            Severity(
                name,
                self._title(section, name),
                _flat(self.reader.get(section, "description")),
                self._calendar_name(section),
            )
            for name, section in found
        )

    def _calendar_name(self, section: str) -> str:
        """The calendar that a section names, "" for none."""
        name = self.reader.get(section, "calendar").lower()
        known = {*self.reader.named("calendar"), "always"}
        if name and name not in known:
            self.reader.complain(
                section, "calendar", f"no calendar {name!r}; there are {', '.join(sorted(known))}"
            )
        return name

    def _one_of(self, key: str, names: list[str], default: str = "") -> str:
        """The plan or severity that [policy] names; where there is but one, it need not be said."""
        given = self.reader.get("policy", key).lower()
        if not given and default:
            return default  # its own problem is noted where it was read
        name = given or (names[0] if len(names) == 1 else "")
        if name not in names and names:
            said = f"{name!r} does not exist" if name else "must be said where there are several"
            self.reader.complain("policy", key, f"{said}; there are {', '.join(names)}")
        return name

    def _targets(self) -> tuple[dict[tuple[str, str, TargetKind], Target], dict[Cell, str], dict[Cell, str]]:
        """Targets, calendars, resolutions by cell. A section that names the cell closer wins, key by key."""
        targets: dict[tuple[str, str, TargetKind], Target] = {}
        own: dict[Cell, str] = {}
        resolution: dict[Cell, str] = {}
        said: set[Cell] = set()
        for section in sorted(self._target_sections(), key=_closeness):
            parsed = {
                kind: self._target(section, kind) for kind in TargetKind if self.reader.get(section, kind)
            }
            calendar = self._calendar_name(section)
            typical = _flat(self.reader.get(section, "resolution"))
            for at in self._cells(section):
                said |= {at} if TargetKind.FIRST in parsed else set()
                for kind, target in parsed.items():
                    targets.pop((*at, kind), None)
                    if target is not None:
                        targets[(*at, kind)] = target
                own.update({at: calendar} if calendar else {})
                resolution.update({at: typical} if typical else {})
        self._check_complete(said)
        return targets, own, resolution

    def _target_sections(self) -> list[str]:
        return [
            section
            for section in self.reader.sections
            if section.split()[0] == "target" and section.count(" ") == 2
        ]

    def _target(self, section: str, kind: TargetKind) -> Target | None:
        """The target, None for `none` (nothing is promised)."""
        if self.reader.get(section, kind).lower() == "none":
            return None
        return self.reader.read(section, kind, values.parse_target, None)

    def _cells(self, section: str) -> list[Cell]:
        _, plan, severity = section.split()
        plans, severities = [known.name for known in self.plans], [known.name for known in self.severities]
        for what, name, names in (("plan", plan, plans), ("severity", severity, severities)):
            if name not in ("*", *names):
                self.reader.complain(
                    section, "", f"no {what} {name!r}; there are {', '.join(names) or 'none'}"
                )
        return [
            (one, other)
            for one in plans
            for other in severities
            if plan in ("*", one) and severity in ("*", other)
        ]

    def _check_complete(self, said: set[Cell]) -> None:
        for plan in self.plans:
            for severity in self.severities:
                if (plan.name, severity.name) not in said:
                    section = f"target {plan.name} {severity.name}"
                    self.reader.complain(section, "first", "no first answer is promised; write one, or none")

    def _auto_close(self) -> AutoClose | None:
        if "auto-close" not in self.reader.sections:
            return None
        if not self.reader.get("auto-close", "after"):
            self.reader.complain("auto-close", "after", "missing; write it like 48 hours or 16 working hours")
        after, working = self.reader.read("auto-close", "after", values.parse_counted, (1, False))
        warn = self.reader.read("auto-close", "warn-before", values.parse_counted, None)
        if warn is not None and self.reader.get("auto-close", "after"):
            if warn[0] >= after > 1:
                self.reader.complain(
                    "auto-close", "warn-before", "the warning must come after the silence begins"
                )
            if warn[1] != working:
                self.reader.complain(
                    "auto-close", "warn-before", "counts as `after` does: both working hours, or none"
                )
        reopen = self.reader.read("auto-close", "reopen-within", values.parse_duration, 14 * values.DAY_S)
        return AutoClose(after, working, warn[0] if warn else None, reopen)

    def _levels(self) -> tuple[Level, ...]:
        found = [key for key in self.reader.sections.get("escalation", {}) if key.startswith("level.")]
        wanted = [f"level.{number}" for number in range(1, len(found) + 1)]
        for key in sorted(set(found) - set(wanted)):
            self.reader.complain("escalation", key, f"levels go up by one: {', '.join(wanted)}")
        return tuple(self._level(key, number) for number, key in enumerate(wanted, 1) if key in found)

    def _level(self, key: str, number: int) -> Level:
        title, _, addresses = self.reader.get("escalation", key).partition(":")
        if not title.strip():
            self.reader.complain(
                "escalation", key, "a level wants a title: level.1 = Team lead: ann@desk.example"
            )
        good: list[str] = []
        for item in values.split_list(addresses):
            self.reader.tried(
                "escalation", key, item, lambda text: good.append(values.parse_address(text)), None
            )
        return Level(number, _flat(title), tuple(good))

    def _links(self) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for key in self.reader.sections.get("links", {}):
            parse = str if key == "phone" else values.parse_link
            found[key] = self.reader.read("links", key, parse, "")
        return MappingProxyType(found)

    def _name(self) -> str:
        if not self.reader.get("policy", "name") and "policy" in self.reader.sections:
            self.reader.complain(
                "policy", "name", "missing; it is what the site configuration calls the policy"
            )
        return self.reader.read("policy", "name", values.parse_name, "")

    def policy(self) -> Policy:
        """All parts together; what is wrong is in the reader's problems."""
        reader = self.reader
        plans, severities = (
            [plan.name for plan in self.plans],
            [severity.name for severity in self.severities],
        )
        if self.calendar not in self.calendars:
            known = ", ".join(sorted(self.calendars))
            reader.complain("policy", "calendar", f"no calendar {self.calendar!r}; there are {known}")
        targets, own, resolution = self._targets()
        mail_severity = self._one_of("mail-severity", severities)
        name = self._name()
        return Policy(
            name=name,
            version=self.version,
            title=_flat(reader.get("policy", "title")) or name,
            language=reader.read("policy", "language", values.parse_language, "en"),
            languages=reader.each("policy", "languages", values.parse_language),
            calendars=MappingProxyType(self.calendars),
            calendar=self.calendar,
            severities=self.severities,
            plans=self.plans,
            default_plan=self._one_of("default-plan", plans),
            default_severity=self._one_of("default-severity", severities, default=mail_severity or "?"),
            mail_severity=mail_severity,
            targets=MappingProxyType(targets),
            cell_calendars=MappingProxyType(own),
            resolution=MappingProxyType(resolution),
            auto_close=self._auto_close(),
            levels=self._levels(),
            acknowledgement_counts=reader.read("policy", "acknowledgement-counts", values.parse_flag, False),
            warn_before_s=reader.read("policy", "warn-before", values.parse_duration, None),
            escalate_when_missed=reader.read("escalation", "when-missed", values.parse_flag, False),
            escalation_is_review=reader.read("escalation", "review", values.parse_flag, False),
            answers_per_address_per_day=reader.read("answers", "per-address-per-day", values.parse_count, 10),
            resolved_words=values.split_list(reader.get("words", "resolved")),
            thanks_words=values.split_list(reader.get("words", "thanks")),
            contact_words=values.split_list(reader.get("words", "contact-changes")),
            second_zones=tuple(zone.key for zone in reader.each("policy", "second-zones", values.parse_zone)),
            links=self._links(),
            texts=MappingProxyType(
                {key: _flat(text) for key, text in reader.sections.get("texts", {}).items()}
            ),
            attachment_limit_bytes=reader.read("policy", "attachment-limit", values.parse_size, 0),
        )


def _closeness(section: str) -> int:
    """Sections with more stars first, so that closer ones overwrite; a plan is closer than a severity."""
    _, plan, severity = section.split()
    return (plan != "*") * 2 + (severity != "*")
