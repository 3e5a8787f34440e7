"""How many parameters a model has."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns; every model that is there is to be counted."""
    with op.batch_alter_table("repo", schema=None) as batch_op:
        batch_op.add_column(sa.Column("parameters", sa.BigInteger(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "parameters_due", sa.Boolean(), nullable=False, server_default=sa.text("false")
            )
        )
        batch_op.create_index("repo_by_parameters", ["type", "parameters"])
    due = sa.text("parameters_due")
    op.create_index("repo_parameters_due", "repo", ["id"], sqlite_where=due, postgresql_where=due)
    op.execute(sa.text("UPDATE repo SET parameters_due = true WHERE type = 'model'"))
