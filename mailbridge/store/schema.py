"""The tables. Migrations (store/migrations) make them; this is what the code believes of them.

Instants are aware UTC: timestamptz on PostgreSQL, fixed-width ISO text on SQLite (sorts as time). Every
insert that must be once has a unique key: message.digest, job.key, outbox.key, tick (name, at), case.number.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator

metadata = MetaData()
Id = BigInteger().with_variant(Integer, "sqlite")


def _aware(value: datetime | None) -> datetime | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError(f"naive instant {value}")
    return value if value.tzinfo is UTC else value.astimezone(UTC)


def _iso(value: datetime | None) -> str | None:
    utc = _aware(value)
    # strftime would take five times as long
    return None if utc is None else utc.isoformat(timespec="microseconds")[:-6] + "Z"


def _in_utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


def _from_iso(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant; a naive one is a bug and raises."""

    impl = String(32)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(String(32))

    def bind_processor(self, dialect: Dialect) -> Any:
        """The conversion itself, not wrapped: it is asked for a dozen values a message."""
        return _aware if dialect.name == "postgresql" else _iso

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:  # noqa: ARG002
        return _in_utc if dialect.name == "postgresql" else _from_iso


setting = Table(
    "setting", metadata, Column("name", String(64), primary_key=True), Column("value", Text, nullable=False)
)

message = Table(
    "message",
    metadata,
    Column("id", Id, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("received_at", Instant, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    # received, filed, ignored, quarantined; "processing" is a received message whose job is leased
    Column("state", String(16), nullable=False),
    Column("answer", Boolean, nullable=False),
    Column("outcome", String(16), nullable=False, default=""),
    Column("kind", String(16), nullable=False, default=""),
    Column("rule", String(80), nullable=False, default=""),
    Column("reason", Text, nullable=False, default=""),
    Column("case_id", Id),
    Column("message_ref", Text, nullable=False, default=""),
    Column("content_digest", String(64), nullable=False, default=""),
    Column("text_digest", String(64), nullable=False, default=""),
    Column("author", Text, nullable=False, default=""),
    Column("subject", Text, nullable=False, default=""),
    Column("rules", JSON),
    Column("authentic", JSON),
    Column("error", Text, nullable=False, default=""),
    Column("processed_at", Instant),
    Column("raw", LargeBinary, nullable=False),
    sqlite_autoincrement=True,  # people and events name it: an id is never used twice
)
Index("message_by_ref", message.c.message_ref)
Index("message_by_author", message.c.author, message.c.received_at)
Index("message_by_state", message.c.state)
Index("message_by_content", message.c.content_digest)

arrival = Table(
    "arrival",
    metadata,
    Column("id", Id, primary_key=True),
    Column("message_id", Id, ForeignKey("message.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("way", String(16), nullable=False),
    Column("source", Text, nullable=False),
    Column("peer", Text, nullable=False),
    Column("login", Text, nullable=False),
    Column("mail_from", Text),
    Column("rcpt_to", JSON, nullable=False),
)

cursor = Table(
    "cursor",
    metadata,
    Column("mailbox", String(200), primary_key=True),
    Column("uidvalidity", BigInteger, nullable=False),
    Column("last_uid", BigInteger, nullable=False),
    Column("polled_at", Instant),
)

account = Table(
    "account",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("plan", String(64), nullable=False, default=""),
    Column("starts_on", Date),
    Column("ends_on", Date),
    Column("zone", String(64), nullable=False, default=""),
)
account_domain = Table(
    "account_domain",
    metadata,
    Column("domain", String(255), primary_key=True),
    Column("account_id", Id, ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
)
contact = Table(
    "contact",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("account_id", Id, ForeignKey("account.id", ondelete="SET NULL")),
    Column("provisional", Boolean, nullable=False, default=False),
)
contact_address = Table(
    "contact_address",
    metadata,
    Column("address", String(320), primary_key=True),
    Column("contact_id", Id, ForeignKey("contact.id", ondelete="CASCADE"), nullable=False, index=True),
)
contact_phone = Table(
    "contact_phone",
    metadata,
    Column("phone", String(32), primary_key=True),
    Column("contact_id", Id, ForeignKey("contact.id", ondelete="CASCADE"), nullable=False, index=True),
)
dead_address = Table(
    "dead_address",
    metadata,
    Column("address", String(320), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
)

counter = Table(
    "counter",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

case = Table(
    "case_",
    metadata,
    Column("id", Id, primary_key=True),
    Column("number", BigInteger, nullable=False, unique=True),
    Column("version", Integer, nullable=False),
    Column("subject", Text, nullable=False),
    Column("subject_key", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("severity", String(64), nullable=False),
    Column("plan", String(64), nullable=False),
    Column("requester", String(320), nullable=False),
    Column("requester_name", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("account_id", Id),
    Column("account", Text, nullable=False, default=""),
    Column("contact_id", Id),
    Column("entitled", String(16), nullable=False),
    Column("language", String(16), nullable=False, default=""),
    Column("policy", Text, nullable=False, default=""),
    Column("policy_version", String(32), nullable=False, default=""),
    Column("escalation_level", Integer, nullable=False, default=0),
    Column("assigned_to", String(320), nullable=False, default=""),
    Column("awaiting_since", Instant),
    Column("last_customer_at", Instant),
    Column("last_staff_at", Instant),
    Column("deadline_kind", String(16), nullable=False, default=""),
    Column("deadline_state", String(16), nullable=False, default="none"),
    Column("respond_by", Instant),
    Column("warn_at", Instant),
    Column("update_due_at", Instant),
    Column("auto_close_at", Instant),
    Column("auto_close_warned_at", Instant),
    Column("warning_key", String(160), nullable=False, default=""),
    Column("held", Boolean, nullable=False, default=False),
    Column("hold_until", Instant),
    Column("released_at", Instant),
    Column("closed_at", Instant),
    Column("close_reason", Text, nullable=False, default=""),
    Column("duplicate_of", BigInteger),
    Column("follows", BigInteger),
    Column("last_message_id", Text, nullable=False, default=""),
    Column("references", JSON),
    Column("proof", JSON),
)
Index("case_by_requester", case.c.requester, case.c.id)
Index("case_by_contact", case.c.contact_id, case.c.id)
Index("case_by_status", case.c.status, case.c.respond_by)

participant = Table(
    "participant",
    metadata,
    Column("case_id", Id, ForeignKey("case_.id", ondelete="CASCADE"), primary_key=True),
    Column("address", String(320), primary_key=True),
)

thread = Table(
    "thread",
    metadata,
    Column("message_ref", String(512), primary_key=True),
    Column("case_id", Id, ForeignKey("case_.id", ondelete="CASCADE"), primary_key=True),
)

entry = Table(
    "entry",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("case_.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("direction", String(8), nullable=False),
    Column("kind", String(32), nullable=False, default=""),
    Column("author", Text, nullable=False),
    Column("from_", Text, nullable=False, default=""),
    Column("to", JSON),
    Column("subject", Text, nullable=False, default=""),
    Column("text", Text, nullable=False),
    Column("html", Text, nullable=False, default=""),
    Column("message_ref", Text, nullable=False, default=""),
    Column("message_id", Id, index=True),
    Column("outbox_id", Id),
    Column("attachments", JSON),
)

event = Table(
    "event",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, index=True),
    Column("message_id", Id),
    Column("at", Instant, nullable=False),
    Column("event", String(40), nullable=False),
    Column("data", JSON),
)

transcript = Table(
    "transcript",
    metadata,
    Column("id", Id, primary_key=True),
    Column("message_id", Id, ForeignKey("message.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("part", String(40), nullable=False),
    Column("at", Instant, nullable=False),
    Column("model", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("confidence", Float),
    Column("duration_s", Float),
    Column("words", JSON),
    Column("data", JSON),
)

# sound that did not come with its mail: fetched from a link; the original, as all that came
recording = Table(
    "recording",
    metadata,
    Column("message_id", Id, ForeignKey("message.id", ondelete="CASCADE"), primary_key=True),
    Column("part", String(40), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("url", Text, nullable=False),
    Column("filename", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("raw", LargeBinary, nullable=False),
)

job = Table(
    "job",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("key", String(160), nullable=False, unique=True),
    Column("payload", JSON, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("state", String(16), nullable=False),  # ready, running, dead
    Column("attempt", Integer, nullable=False, default=0),
    # the fence: rises with each claim and is never set back, as attempt is when an admin says "again"
    Column("lease", Integer, nullable=False, default=0),
    Column("lease_until", Instant),
    Column("error", Text, nullable=False, default=""),
    sqlite_autoincrement=True,  # the id of a deleted job must not come again: an old holder would finish it
)
Index("job_ready", job.c.state, job.c.kind, job.c.due_at)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", String(160), nullable=False, unique=True),
    Column("case_id", Id, index=True),
    Column("kind", String(40), nullable=False),
    Column("automatic", Boolean, nullable=False),
    Column("state", String(16), nullable=False),  # waiting, sending, sent, dead, dropped
    Column("mail_from", Text, nullable=False),
    Column("rcpt_to", JSON, nullable=False),
    Column("to_address", String(320), nullable=False),
    Column("to_domain", String(255), nullable=False),
    Column("subject", Text, nullable=False),
    Column("message_ref", String(512), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("attempt", Integer, nullable=False, default=0),
    Column("lease", Integer, nullable=False, default=0),
    Column("lease_until", Instant),
    Column("sent_at", Instant),
    Column("reply", Text, nullable=False, default=""),
    Column("raw", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
Index("outbox_ready", outbox.c.state, outbox.c.due_at)
Index("outbox_by_address", outbox.c.to_address, outbox.c.created_at)
Index("outbox_by_domain", outbox.c.to_domain, outbox.c.created_at)
Index("outbox_by_ref", outbox.c.message_ref)

tick = Table(
    "tick",
    metadata,
    Column("name", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("name", "at"),
)
