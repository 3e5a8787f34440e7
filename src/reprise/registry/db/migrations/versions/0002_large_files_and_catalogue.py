"""Large files, xet, manifests and the catalogue."""

import sqlalchemy as sa
from alembic import op

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables, those that others refer to first."""
    _stored_file()
    _xorb()
    _account_xorb()
    _mirror()
    _reviewer()
    _xet_chunk()
    _xet_file()
    _entry_point()
    _lfs_upload()
    _manifest()
    _manifest_due()
    _repo_file()
    _repo_xorb()
    _report()
    _submission()
    _vote()
    _xet_file_xorb()
    _submission_check()
    _submission_event()


def _stored_file() -> None:
    op.create_table(
        "stored_file",
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("xet_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sha256"),
    )
    with op.batch_alter_table("stored_file", schema=None) as batch_op:
        batch_op.create_index("stored_file_by_xet", ["xet_hash"], unique=False)


def _xorb() -> None:
    op.create_table(
        "xorb",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("chunks", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
    )


def _account_xorb() -> None:
    op.create_table(
        "account_xorb",
        sa.Column("account_id", ID, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["hash"],
            ["xorb.hash"],
        ),
        sa.PrimaryKeyConstraint("account_id", "hash"),
    )
    with op.batch_alter_table("account_xorb", schema=None) as batch_op:
        batch_op.create_index("account_xorb_by_hash", ["hash"], unique=False)


def _mirror() -> None:
    op.create_table(
        "mirror",
        sa.Column("url_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sha256"],
            ["stored_file.sha256"],
        ),
        sa.PrimaryKeyConstraint("url_sha256"),
    )
    with op.batch_alter_table("mirror", schema=None) as batch_op:
        batch_op.create_index("mirror_by_sha256", ["sha256"], unique=False)


def _reviewer() -> None:
    op.create_table(
        "reviewer",
        sa.Column("account_id", ID, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id"),
    )


def _xet_chunk() -> None:
    op.create_table(
        "xet_chunk",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("xorb_hash", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["xorb_hash"],
            ["xorb.hash"],
        ),
        sa.PrimaryKeyConstraint("hash", "xorb_hash"),
    )
    with op.batch_alter_table("xet_chunk", schema=None) as batch_op:
        batch_op.create_index("xet_chunk_by_xorb", ["xorb_hash"], unique=False)


def _xet_file() -> None:
    op.create_table(
        "xet_file",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("terms", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sha256"],
            ["stored_file.sha256"],
        ),
        sa.PrimaryKeyConstraint("hash"),
    )
    with op.batch_alter_table("xet_file", schema=None) as batch_op:
        batch_op.create_index("xet_file_by_sha256", ["sha256"], unique=False)


def _entry_point() -> None:
    op.create_table(
        "entry_point",
        sa.Column("repo_id", ID, nullable=False),
        sa.Column("name", BYTEWISE, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repo.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("repo_id", "name"),
    )


def _lfs_upload() -> None:
    op.create_table(
        "lfs_upload",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("repo_id", ID, nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("part_size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repo.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )


def _manifest() -> None:
    op.create_table(
        "manifest",
        sa.Column("repo_id", ID, nullable=False),
        sa.Column("commit_oid", sa.LargeBinary(length=20), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repo.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("repo_id", "commit_oid"),
    )


def _manifest_due() -> None:
    op.create_table(
        "manifest_due",
        sa.Column("repo_id", ID, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repo.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("repo_id"),
    )


def _repo_file() -> None:
    op.create_table(
        "repo_file",
        sa.Column("repo_id", ID, nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repo.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("repo_id", "sha256"),
    )
    with op.batch_alter_table("repo_file", schema=None) as batch_op:
        batch_op.create_index("repo_file_by_sha256", ["sha256"], unique=False)


def _repo_xorb() -> None:
    op.create_table(
        "repo_xorb",
        sa.Column("repo_id", ID, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["hash"],
            ["xorb.hash"],
        ),
        sa.ForeignKeyConstraint(["repo_id"], ["repo.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("repo_id", "hash"),
    )
    with op.batch_alter_table("repo_xorb", schema=None) as batch_op:
        batch_op.create_index("repo_xorb_by_hash", ["hash"], unique=False)


def _report() -> None:
    op.create_table(
        "report",
        sa.Column("id", ID, nullable=False),
        sa.Column("repo_id", ID, nullable=False),
        sa.Column("author_id", ID, nullable=False),
        sa.Column("commit_oid", sa.LargeBinary(length=20), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["account.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["repo_id"], ["repo.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.create_index("report_by_author", ["author_id", "created_at"], unique=False)
        batch_op.create_index("report_by_repo", ["repo_id", "created_at"], unique=False)


def _submission() -> None:
    op.create_table(
        "submission",
        sa.Column("repo_id", ID, nullable=False),
        sa.Column("commit_oid", sa.LargeBinary(length=20), nullable=False),
        sa.Column("submitter_id", ID, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repo.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["submitter_id"],
            ["account.id"],
        ),
        sa.PrimaryKeyConstraint("repo_id"),
    )
    with op.batch_alter_table("submission", schema=None) as batch_op:
        batch_op.create_index("submission_by_state", ["state", "updated_at"], unique=False)


def _vote() -> None:
    op.create_table(
        "vote",
        sa.Column("repo_id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["repo_id"], ["repo.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("repo_id", "account_id"),
    )
    with op.batch_alter_table("vote", schema=None) as batch_op:
        batch_op.create_index("vote_by_account", ["account_id", "created_at"], unique=False)


def _xet_file_xorb() -> None:
    op.create_table(
        "xet_file_xorb",
        sa.Column("file_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("xorb_hash", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_hash"],
            ["xet_file.hash"],
        ),
        sa.ForeignKeyConstraint(
            ["xorb_hash"],
            ["xorb.hash"],
        ),
        sa.PrimaryKeyConstraint("file_hash", "xorb_hash"),
    )
    with op.batch_alter_table("xet_file_xorb", schema=None) as batch_op:
        batch_op.create_index("xet_file_xorb_by_xorb", ["xorb_hash"], unique=False)


def _submission_check() -> None:
    op.create_table(
        "submission_check",
        sa.Column("repo_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("commit_oid", sa.LargeBinary(length=20), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["submission.repo_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("repo_id", "name"),
    )


def _submission_event() -> None:
    op.create_table(
        "submission_event",
        sa.Column("repo_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("actor_id", ID, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("commit_oid", sa.LargeBinary(length=20), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["account.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["repo_id"], ["submission.repo_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("repo_id", "position"),
    )
