"""People, repos, discussions and git."""

import sqlalchemy as sa
from alembic import op

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables, those that others refer to first."""
    _account()
    _access_token()
    _membership()
    _repo()
    _discussion()
    _entry()
    _git_commit()
    _git_garbage()
    _git_object()
    _git_pointer()
    _git_ref()
    _git_unreachable()
    _repo_alias()
    _repo_tag()
    _discussion_event()


def _account() -> None:
    op.create_table(
        "account",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("fullname", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )


def _access_token() -> None:
    op.create_table(
        "access_token",
        sa.Column("id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account_id", "name"),
        sa.UniqueConstraint("secret_sha256"),
    )


def _membership() -> None:
    op.create_table(
        "membership",
        sa.Column("org_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["account.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["account.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("org_id", "user_id"),
    )
    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.create_index("membership_by_user", ["user_id"], unique=False)


def _repo() -> None:
    op.create_table(
        "repo",
        sa.Column("id", ID, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("creator_id", ID, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.Column("gated", sa.Text(), server_default="", nullable=False),
        sa.Column("disabled", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("default_branch", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("downloads", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("likes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("card", sa.Text(), server_default="{}", nullable=False),
        sa.Column("pipeline_tag", sa.Text(), nullable=True),
        sa.Column("library_name", sa.Text(), nullable=True),
        sa.Column("summary", sa.Text(), server_default="", nullable=False),
        sa.Column("used_storage", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["creator_id"], ["account.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["account.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("type", "key"),
    )
    with op.batch_alter_table("repo", schema=None) as batch_op:
        batch_op.create_index("repo_by_creation", ["type", "created_at"], unique=False)
        batch_op.create_index("repo_by_downloads", ["type", "downloads"], unique=False)
        batch_op.create_index("repo_by_likes", ["type", "likes"], unique=False)
        batch_op.create_index("repo_by_owner", ["owner_id"], unique=False)
        batch_op.create_index("repo_by_update", ["type", "updated_at"], unique=False)


def _discussion() -> None:
    op.create_table(
        "discussion",
        sa.Column("repo_id", ID, nullable=False),
        sa.Column("num", sa.Integer(), nullable=False),
        sa.Column("author_id", ID, nullable=False),
        sa.Column("is_pull_request", sa.Boolean(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("target_branch", sa.Text(), nullable=True),
        sa.Column("merge_commit", sa.LargeBinary(length=20), nullable=True),
        sa.ForeignKeyConstraint(
            ["author_id"],
            ["account.id"],
        ),
        sa.ForeignKeyConstraint(["repo_id"], ["repo.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("repo_id", "num"),
    )


def _entry() -> None:
    op.create_table(
        "entry",
        sa.Column("repo_id", ID, nullable=False),
        sa.Column("folder", BYTEWISE, nullable=False),
        sa.Column("name", BYTEWISE, nullable=False),
        sa.Column("mode", sa.Integer(), nullable=False),
        sa.Column("oid", sa.LargeBinary(length=20), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("commit_oid", sa.LargeBinary(length=20), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repo.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("repo_id", "folder", "name"),
    )


def _git_commit() -> None:
    op.create_table(
        "git_commit",
        sa.Column("repo_id", ID, nullable=False),
        sa.Column("oid", sa.LargeBinary(length=20), nullable=False),
        sa.Column("tree", sa.LargeBinary(length=20), nullable=False),
        sa.Column("parents", sa.LargeBinary(), nullable=False),
        sa.Column("seconds", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repo.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("repo_id", "oid"),
    )


def _git_garbage() -> None:
    op.create_table(
        "git_garbage",
        sa.Column("repo_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repo.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("repo_id"),
    )


def _git_object() -> None:
    op.create_table(
        "git_object",
        sa.Column("repo_id", ID, nullable=False),
        sa.Column("oid", sa.LargeBinary(length=20), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("z", sa.LargeBinary(), nullable=False),
        sa.Column("base", sa.LargeBinary(length=20), nullable=True),
        sa.Column("z_size", sa.BigInteger(), nullable=False),
        sa.Column("depth", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repo.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("repo_id", "oid"),
    )


def _git_pointer() -> None:
    op.create_table(
        "git_pointer",
        sa.Column("repo_id", ID, nullable=False),
        sa.Column("oid", sa.LargeBinary(length=20), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repo.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("repo_id", "oid"),
    )


def _git_ref() -> None:
    op.create_table(
        "git_ref",
        sa.Column("repo_id", ID, nullable=False),
        sa.Column("name", BYTEWISE, nullable=False),
        sa.Column("oid", sa.LargeBinary(length=20), nullable=False),
        sa.Column("peeled", sa.LargeBinary(length=20), nullable=True),
        sa.Column("protected", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(["repo_id"], ["repo.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("repo_id", "name"),
    )


def _git_unreachable() -> None:
    op.create_table(
        "git_unreachable",
        sa.Column("repo_id", ID, nullable=False),
        sa.Column("oid", sa.LargeBinary(length=20), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repo.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("repo_id", "oid"),
    )


def _repo_alias() -> None:
    op.create_table(
        "repo_alias",
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("repo_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repo.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("type", "key"),
    )


def _repo_tag() -> None:
    op.create_table(
        "repo_tag",
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("repo_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repo.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tag", "repo_id"),
    )
    with op.batch_alter_table("repo_tag", schema=None) as batch_op:
        batch_op.create_index("repo_tag_by_repo", ["repo_id"], unique=False)


def _discussion_event() -> None:
    op.create_table(
        "discussion_event",
        sa.Column("repo_id", ID, nullable=False),
        sa.Column("num", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("author_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"],
            ["account.id"],
        ),
        sa.ForeignKeyConstraint(
            ["repo_id", "num"], ["discussion.repo_id", "discussion.num"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("repo_id", "num", "position"),
    )
