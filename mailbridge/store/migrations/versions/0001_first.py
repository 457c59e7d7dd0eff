"""The first schema: everything, as store/schema.py had it then."""

from alembic import op

from mailbridge.store.schema import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    metadata.create_all(op.get_bind())
