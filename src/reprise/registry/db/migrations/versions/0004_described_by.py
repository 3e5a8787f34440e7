"""Which version of our reading a repo's description is from."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column; repos that are there count as read by an older version."""
    with op.batch_alter_table("repo", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("described_by", sa.Integer(), nullable=False, server_default="0")
        )
