"""Default models of tasks."""

import sqlalchemy as sa
from alembic import op

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "default_model",
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("repo_id", ID, nullable=False),
        sa.Column("commit_oid", sa.LargeBinary(length=20), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repo.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("task"),
    )
    op.create_index("default_model_by_repo", "default_model", ["repo_id"])
