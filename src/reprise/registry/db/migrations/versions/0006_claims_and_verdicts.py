"""Claims, verdicts on them, the keys that sign those, and the log."""

import sqlalchemy as sa
from alembic import op

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the tables; what every model that is there claims is to be read."""
    _claim()
    _verifier_key()
    _run()
    _verdict()
    _verdict_answer()
    _log()
    with op.batch_alter_table("repo", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("claims_due", sa.Boolean(), nullable=False, server_default=sa.text("false"))
        )
        batch_op.add_column(
            sa.Column("claim_problems", sa.Text(), nullable=False, server_default="[]")
        )
    due = sa.text("claims_due")
    op.create_index("repo_claims_due", "repo", ["id"], sqlite_where=due, postgresql_where=due)
    op.execute(sa.text("UPDATE repo SET claims_due = true WHERE type = 'model'"))


def _claim() -> None:
    op.create_table(
        "claim",
        sa.Column("id", ID, nullable=False),
        sa.Column("repo_id", ID, nullable=True),
        sa.Column("repo_type", sa.Text(), nullable=False),
        sa.Column("repo_name", sa.Text(), nullable=False),
        sa.Column("repo_key", sa.Text(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("commit_oid", sa.LargeBinary(length=20), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("name", BYTEWISE, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("path", BYTEWISE, nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("data_repo", sa.Text(), nullable=False),
        sa.Column("data_key", sa.Text(), nullable=False),
        sa.Column("data_config", sa.Text(), nullable=True),
        sa.Column("data_split", sa.Text(), nullable=True),
        sa.Column("data_revision", sa.Text(), nullable=True),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("metric_value", sa.Text(), nullable=True),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=True),
        sa.Column("pins", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("files_digest", sa.Text(), nullable=False),
        sa.Column("stated_at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["repo_id"], ["repo.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("repo_id", "digest"),
    )
    op.create_index("claim_by_data", "claim", ["data_key", "data_config", "data_split", "metric"])
    op.create_index("claim_by_digest", "claim", ["digest"])
    op.create_index("claim_by_name", "claim", ["repo_type", "repo_key"])


def _verifier_key() -> None:
    op.create_table(
        "verifier_key",
        sa.Column("id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_because", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("fingerprint"),
    )
    op.create_index("verifier_key_by_account", "verifier_key", ["account_id"])


def _run() -> None:
    op.create_table(
        "run",
        sa.Column("id", ID, nullable=False),
        sa.Column("claim_id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=True),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("log_digest", sa.Text(), nullable=True),
        sa.Column("evidence_digest", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["claim_id"], ["claim.id"]),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("run_by_claim", "run", ["claim_id"])


def _verdict() -> None:
    op.create_table(
        "verdict",
        sa.Column("id", ID, nullable=False),
        sa.Column("claim_id", ID, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=True),
        sa.Column("key_id", ID, nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("n", sa.BigInteger(), nullable=True),
        sa.Column("ci_low", sa.Text(), nullable=True),
        sa.Column("ci_high", sa.Text(), nullable=True),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("independent", sa.Boolean(), nullable=False),
        sa.Column("hardware_class", sa.Text(), nullable=False),
        sa.Column("envelope", sa.Text(), nullable=False),
        sa.Column("envelope_digest", sa.Text(), nullable=False),
        sa.Column("statement_digest", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("posted_at", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["claim_id"], ["claim.id"]),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"]),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["key_id"], ["verifier_key.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("envelope_digest"),
        sa.UniqueConstraint("log_index"),
        sa.UniqueConstraint("statement_digest"),
    )
    op.create_index("verdict_by_account", "verdict", ["account_id", "posted_at"])
    op.create_index("verdict_by_claim", "verdict", ["claim_id", "id"])
    op.create_index("verdict_by_key", "verdict", ["key_id"])


def _verdict_answer() -> None:
    op.create_table(
        "verdict_answer",
        sa.Column("id", ID, nullable=False),
        sa.Column("verdict_id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["verdict_id"], ["verdict.id"]),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("verdict_answer_by_verdict", "verdict_answer", ["verdict_id", "id"])


def _log() -> None:
    op.create_table(
        "log_entry",
        sa.Column("log_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log_index"),
    )
    op.create_table(
        "log_node",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("level", "position"),
    )
