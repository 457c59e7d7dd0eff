"""The first schema, spelled out: a migration must not change when store/schema.py does.

Instants are timestamptz on PostgreSQL and fixed-width ISO text on SQLite, which sorts as time.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    _make_customers()
    _make_inbox()
    _make_cases()
    _make_work()


def _make_customers() -> None:
    """Accounts, contacts, and addresses that are known to be dead."""
    op.create_table(
        "account",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("plan", sa.String(length=64), nullable=False),
        sa.Column("starts_on", sa.Date()),
        sa.Column("ends_on", sa.Date()),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "dead_address",
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("address"),
    )
    op.create_table(
        "account_domain",
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("domain"),
    )
    op.create_table(
        "contact",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("account_id", ID),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "contact_address",
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("contact_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("address"),
    )
    op.create_index("ix_contact_address_contact_id", "contact_address", ["contact_id"])
    op.create_table(
        "contact_phone",
        sa.Column("phone", sa.String(length=32), nullable=False),
        sa.Column("contact_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("phone"),
    )
    op.create_index("ix_contact_phone_contact_id", "contact_phone", ["contact_id"])
    # ### end Alembic commands ###


def _make_inbox() -> None:
    """Received messages, the ways they came, and what was heard in them."""
    op.create_table(
        "cursor",
        sa.Column("mailbox", sa.String(length=200), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=False),
        sa.Column("last_uid", sa.BigInteger(), nullable=False),
        sa.Column("polled_at", INSTANT),
        sa.PrimaryKeyConstraint("mailbox"),
    )
    op.create_table(
        "message",
        sa.Column("id", ID, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("answer", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("rule", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("case_id", ID),
        sa.Column("message_ref", sa.Text(), nullable=False),
        sa.Column("content_digest", sa.String(length=64), nullable=False),
        sa.Column("text_digest", sa.String(length=64), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("rules", sa.JSON()),
        sa.Column("authentic", sa.JSON()),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("processed_at", INSTANT),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
        sqlite_autoincrement=True,
    )
    op.create_index("message_by_author", "message", ["author", "received_at"])
    op.create_index("message_by_content", "message", ["content_digest"])
    op.create_index("message_by_ref", "message", ["message_ref"])
    op.create_index("message_by_state", "message", ["state"])
    op.create_table(
        "arrival",
        sa.Column("id", ID, nullable=False),
        sa.Column("message_id", ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("way", sa.String(length=16), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("mail_from", sa.Text()),
        sa.Column("rcpt_to", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_arrival_message_id", "arrival", ["message_id"])
    op.create_table(
        "transcript",
        sa.Column("id", ID, nullable=False),
        sa.Column("message_id", ID, nullable=False),
        sa.Column("part", sa.String(length=40), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Float()),
        sa.Column("duration_s", sa.Float()),
        sa.Column("words", sa.JSON()),
        sa.Column("data", sa.JSON()),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_transcript_message_id", "transcript", ["message_id"])


def _make_cases() -> None:
    """Cases with all that belongs to them."""
    op.create_table(
        "case_",
        sa.Column("id", ID, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_key", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("severity", sa.String(length=64), nullable=False),
        sa.Column("plan", sa.String(length=64), nullable=False),
        sa.Column("requester", sa.String(length=320), nullable=False),
        sa.Column("requester_name", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("account_id", ID),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("contact_id", ID),
        sa.Column("entitled", sa.String(length=16), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("policy_version", sa.String(length=32), nullable=False),
        sa.Column("escalation_level", sa.Integer(), nullable=False),
        sa.Column("assigned_to", sa.String(length=320), nullable=False),
        sa.Column("awaiting_since", INSTANT),
        sa.Column("last_customer_at", INSTANT),
        sa.Column("last_staff_at", INSTANT),
        sa.Column("deadline_kind", sa.String(length=16), nullable=False),
        sa.Column("deadline_state", sa.String(length=16), nullable=False),
        sa.Column("respond_by", INSTANT),
        sa.Column("warn_at", INSTANT),
        sa.Column("update_due_at", INSTANT),
        sa.Column("auto_close_at", INSTANT),
        sa.Column("auto_close_warned_at", INSTANT),
        sa.Column("warning_key", sa.String(length=160), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("hold_until", INSTANT),
        sa.Column("released_at", INSTANT),
        sa.Column("closed_at", INSTANT),
        sa.Column("close_reason", sa.Text(), nullable=False),
        sa.Column("duplicate_of", sa.BigInteger()),
        sa.Column("follows", sa.BigInteger()),
        sa.Column("last_message_id", sa.Text(), nullable=False),
        sa.Column("references", sa.JSON()),
        sa.Column("proof", sa.JSON()),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
    )
    op.create_index("case_by_contact", "case_", ["contact_id", "id"])
    op.create_index("case_by_requester", "case_", ["requester", "id"])
    op.create_index("case_by_status", "case_", ["status", "respond_by"])
    op.create_table(
        "counter",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "event",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID),
        sa.Column("message_id", ID),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("data", sa.JSON()),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_event_case_id", "event", ["case_id"])
    op.create_table(
        "entry",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("from_", sa.Text(), nullable=False),
        sa.Column("to", sa.JSON()),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("message_ref", sa.Text(), nullable=False),
        sa.Column("message_id", ID),
        sa.Column("outbox_id", ID),
        sa.Column("attachments", sa.JSON()),
        sa.ForeignKeyConstraint(["case_id"], ["case_.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_entry_case_id", "entry", ["case_id"])
    op.create_index("ix_entry_message_id", "entry", ["message_id"])
    op.create_table(
        "participant",
        sa.Column("case_id", ID, nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case_.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("case_id", "address"),
    )
    op.create_table(
        "thread",
        sa.Column("message_ref", sa.String(length=512), nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case_.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("message_ref", "case_id"),
    )


def _make_work() -> None:
    """Jobs, outgoing mail, ticks, settings."""
    op.create_table(
        "job",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lease", sa.Integer(), nullable=False),
        sa.Column("lease_until", INSTANT),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
        sqlite_autoincrement=True,
    )
    op.create_index("job_ready", "job", ["state", "kind", "due_at"])
    op.create_table(
        "outbox",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("case_id", ID),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("mail_from", sa.Text(), nullable=False),
        sa.Column("rcpt_to", sa.JSON(), nullable=False),
        sa.Column("to_address", sa.String(length=320), nullable=False),
        sa.Column("to_domain", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("message_ref", sa.String(length=512), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lease", sa.Integer(), nullable=False),
        sa.Column("lease_until", INSTANT),
        sa.Column("sent_at", INSTANT),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_case_id", "outbox", ["case_id"])
    op.create_index("outbox_by_address", "outbox", ["to_address", "created_at"])
    op.create_index("outbox_by_domain", "outbox", ["to_domain", "created_at"])
    op.create_index("outbox_by_ref", "outbox", ["message_ref"])
    op.create_index("outbox_ready", "outbox", ["state", "due_at"])
    op.create_table(
        "setting",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "tick",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.UniqueConstraint("name", "at"),
    )
