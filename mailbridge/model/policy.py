"""A support policy as data: what is promised, to whom, counted on which calendar.

Made from an INI file by policy.policyfile; policy.targets says what each form of target means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo


class TargetKind(StrEnum):
    """What a target promises: the first answer, an answer to a further message, a status update."""

    FIRST = "first"
    NEXT = "next"
    UPDATE = "update"


class Unit(StrEnum):
    """How a target counts."""

    WORKING = "working"  # seconds in which the calendar is open
    ELAPSED = "elapsed"  # seconds, day and night
    BUSINESS_DAY = "business_day"  # same wall-clock time n business days later
    SAME_DAY = "same_day"  # the closing of the business day of arrival


@dataclass(frozen=True, slots=True)
class Target:
    """A promised duration. amount is seconds, or days for BUSINESS_DAY. warn_amount is the first figure of a
    range ("24-48 hours"): a warning is due then. text is the target as the policy file says it."""

    unit: Unit
    amount: int
    text: str
    warn_amount: int | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """Open from start to end, seconds after local midnight, half-open; end may exceed 86400 (past
    midnight).
    """

    start_s: int
    end_s: int


@dataclass(frozen=True, slots=True)
class RelativeDay:
    """A holiday that hangs on another: days after (or, negative, before) the day that the library names."""

    anchor: str  # name in the holiday library
    days: int
    name: str  # as customers are told


@dataclass(frozen=True, slots=True)
class HolidaySource:
    """Which days the holiday library closes; policy.calendars asks it year by year.

    country is an ISO 3166 code of the library, "" for none; names are (name in the library, name as customers
    are told), empty with a country for all its public holidays. observed: also the day on which a holiday
    that falls on a weekend is kept. yearly are (month, day, name); 29 February closes leap years only.
    """

    country: str
    subdivision: str = ""
    names: tuple[tuple[str, str], ...] = ()
    observed: bool = False
    relative: tuple[RelativeDay, ...] = ()
    yearly: tuple[tuple[int, int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Calendar:
    """Opening hours in a zone. Holidays are days closed as far as the holiday source says; closures and
    openings are dated exceptions of the site's own (openings win).

    A window belongs to the day on which it starts: a holiday takes away the night that begins on it, not the
    early hours of the night before.
    """

    name: str
    zone: ZoneInfo
    weekly: tuple[tuple[Window, ...], ...]  # Monday first, seven entries
    holiday_source: HolidaySource | None = None
    closures: Mapping[date, str] = field(default_factory=dict)
    openings: Mapping[date, tuple[Window, ...]] = field(default_factory=dict)
    always: bool = False  # 24x7

    def __hash__(self) -> int:
        """By name alone, as mappings have no hash: cheap, and a calendar can key a cache."""
        return hash(self.name)


@dataclass(frozen=True, slots=True)
class Severity:
    name: str
    title: str
    description: str = ""
    calendar: str = ""  # own calendar, "" for the plan's or the policy's


@dataclass(frozen=True, slots=True)
class Plan:
    name: str
    title: str
    calendar: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """A level of escalation: who is told."""

    number: int
    title: str
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AutoClose:
    """Close after silence of the customer. after_s counts elapsed, or on the default calendar when working.
    warn_before_s None means no warning. reopen_within_s: an answer within it reopens, later opens a new
    case."""

    after_s: int
    working: bool = False
    warn_before_s: int | None = None
    reopen_within_s: int = 14 * 86400


@dataclass(frozen=True, slots=True)
class Promise:
    """A deadline with its proof. All instants aware, in the calendar's zone.

    Each carries its own fixed offset, never a ZoneInfo: Python subtracts and compares two datetimes of one
    ZoneInfo by their wall clocks, which is wrong by an hour across a clock change.

    opens_at: the instant from which the count runs. proof: one line a day or interval, in order, as
    (start, end, counted seconds, why).
    """

    kind: TargetKind
    received_at: datetime
    opens_at: datetime
    respond_by: datetime
    warn_at: datetime | None
    calendar: str
    rule: str
    plan: str
    severity: str
    policy: str
    policy_version: str
    proof: tuple[tuple[datetime, datetime, int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything a policy file says."""

    name: str
    version: str  # first 12 hex digits of the SHA-256 of the file's text
    title: str
    language: str
    calendars: Mapping[str, Calendar]
    calendar: str  # the default one
    severities: tuple[Severity, ...]
    plans: tuple[Plan, ...]
    default_plan: str
    default_severity: str  # where none is named by staff or portal
    mail_severity: str  # what e-mail and voicemail get
    targets: Mapping[tuple[str, str, TargetKind], Target]  # (plan, severity, kind)
    cell_calendars: Mapping[tuple[str, str], str] = field(default_factory=dict)  # a cell's own calendar
    resolution: Mapping[tuple[str, str], str] = field(default_factory=dict)  # typical resolution, in words
    auto_close: AutoClose | None = None
    levels: tuple[Level, ...] = ()
    acknowledgement_counts: bool = False  # as the first answer (tekstack)
    warn_before_s: int | None = None  # deadline warning, in the target's own counting
    escalate_when_missed: bool = False
    escalation_is_review: bool = False  # feedback on a case in work is a review, not a new promise (mekorma)
    answers_per_address_per_day: int = 10
    resolved_words: tuple[str, ...] = ()
    thanks_words: tuple[str, ...] = ()
    contact_words: tuple[str, ...] = ()  # a message with one of them asks staff to change contacts
    languages: tuple[str, ...] = ()  # in which customers are answered; () is every one that has templates
    second_zones: tuple[str, ...] = ()  # further zones in which hours and deadlines are told
    links: Mapping[str, str] = field(default_factory=dict)  # portal, knowledge_base, phone, downloads...
    texts: Mapping[str, str] = field(default_factory=dict)  # wording of the policy by topic
    attachment_limit_bytes: int = 0  # 0: no limit of the policy's own
