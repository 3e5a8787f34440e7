"""Tables of the hub.

Types are chosen so that SQLite and PostgreSQL agree: times are integer microseconds, object ids
are raw bytes, JSON is text. Names that people type are stored twice: as written, and as a `key`
folded to lower case, which is what is compared. Claims and verdicts stand in `claim_tables`,
leaderboards of others in `leaderboard_tables`.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from reprise.registry.db import claim_tables, leaderboard_tables  # noqa: F401 - among `metadata`
from reprise.registry.db.columns import Bytewise, Id, metadata


def _repo_id() -> Column[int]:
    return Column("repo_id", Id, ForeignKey("repo.id", ondelete="CASCADE"), nullable=False)


# -- people ---------------------------------------------------------------------------------

account = Table(
    "account",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("key", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),  # user, org
    Column("fullname", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

membership = Table(
    "membership",
    metadata,
    Column("org_id", Id, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", Id, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("role", Text, nullable=False),  # admin, write, contributor, read
    Index("membership_by_user", "user_id"),
)

access_token = Table(
    "access_token",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account_id", Id, ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),  # read, write, fine-grained
    Column("secret_sha256", LargeBinary(32), nullable=False, unique=True),
    Column("scopes", Text, nullable=False),  # JSON: {"model/owner/name": "read" | "write"}
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    UniqueConstraint("account_id", "name"),
)

# -- repos ----------------------------------------------------------------------------------

_DUE = text("parameters_due")
_CLAIMS_DUE = text("claims_due")

repo = Table(
    "repo",
    metadata,
    Column("id", Id, primary_key=True),
    Column("type", Text, nullable=False),  # model, dataset, space, metric
    Column("owner_id", Id, ForeignKey("account.id"), nullable=False),
    Column("creator_id", Id, ForeignKey("account.id", ondelete="SET NULL")),
    Column("name", Text, nullable=False),
    Column("key", Text, nullable=False),  # owner/name, lower case
    Column("private", Boolean, nullable=False),
    Column("gated", Text, nullable=False, server_default=""),  # "", auto, manual
    Column("disabled", Boolean, nullable=False, server_default=text("false")),
    Column("default_branch", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("downloads", BigInteger, nullable=False, server_default="0"),
    Column("likes", BigInteger, nullable=False, server_default="0"),
    # What the tip of the default branch says about itself, kept for listing and search.
    Column("card", Text, nullable=False, server_default="{}"),  # JSON: card data
    Column("pipeline_tag", Text),
    Column("library_name", Text),
    Column("summary", Text, nullable=False, server_default=""),  # the first words of the card
    # Which version of our reading wrote these four and the tags, see registry.cards.
    Column("described_by", Integer, nullable=False, server_default="0"),
    Column("used_storage", BigInteger, nullable=False, server_default="0"),  # bytes at the tip
    # Numbers in the weights at the tip, by `registry.parameters`; due since the tip last moved.
    Column("parameters", BigInteger),
    Column("parameters_due", Boolean, nullable=False, server_default=text("false")),
    # What the repo claims is to be read again, see registry.claim_reading; what was not readable.
    Column("claims_due", Boolean, nullable=False, server_default=text("false")),
    Column("claim_problems", Text, nullable=False, server_default="[]"),  # JSON: sentences
    UniqueConstraint("type", "key"),
    Index("repo_by_owner", "owner_id"),
    Index("repo_by_parameters", "type", "parameters"),
    Index("repo_parameters_due", "id", sqlite_where=_DUE, postgresql_where=_DUE),
    Index("repo_claims_due", "id", sqlite_where=_CLAIMS_DUE, postgresql_where=_CLAIMS_DUE),
    Index("repo_by_update", "type", "updated_at"),
    Index("repo_by_downloads", "type", "downloads"),
    Index("repo_by_likes", "type", "likes"),
    Index("repo_by_creation", "type", "created_at"),
)

# Former names of moved repos, and legacy one-part ids.
repo_alias = Table(
    "repo_alias",
    metadata,
    Column("type", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    _repo_id(),
)

repo_tag = Table(
    "repo_tag",
    metadata,
    Column("tag", Text, primary_key=True),  # as in listings: license:mit, language:en, pytorch
    Column("repo_id", Id, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
    Index("repo_tag_by_repo", "repo_id"),
)

discussion = Table(
    "discussion",
    metadata,
    Column("repo_id", Id, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
    Column("num", Integer, primary_key=True),
    Column("author_id", Id, ForeignKey("account.id"), nullable=False),
    Column("is_pull_request", Boolean, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("status", Text, nullable=False),  # draft, open, closed, merged
    Column("created_at", BigInteger, nullable=False),
    Column("target_branch", Text),
    Column("merge_commit", LargeBinary(20)),
)

# What happened in a discussion after it was opened; the opening text is its description.
discussion_event = Table(
    "discussion_event",
    metadata,
    Column("repo_id", Id, primary_key=True),
    Column("num", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),  # from 1
    Column("author_id", Id, ForeignKey("account.id"), nullable=False),
    Column("kind", Text, nullable=False),  # comment, status-change, title-change
    Column("created_at", BigInteger, nullable=False),
    Column("data", Text, nullable=False),  # JSON, see registry.discussions
    ForeignKeyConstraint(
        ["repo_id", "num"], ["discussion.repo_id", "discussion.num"], ondelete="CASCADE"
    ),
)

# -- git ------------------------------------------------------------------------------------

# A row already is a pack entry: `z` is the finished zlib stream of the body or of a delta.
git_object = Table(
    "git_object",
    metadata,
    Column("repo_id", Id, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
    Column("oid", LargeBinary(20), primary_key=True),
    Column("kind", SmallInteger, nullable=False),  # git's: 1 commit, 2 tree, 3 blob, 4 tag
    Column("size", BigInteger, nullable=False),  # of the whole body, inflated
    Column("z", LargeBinary, nullable=False),
    Column("base", LargeBinary(20)),  # set: `z` is a REF_DELTA against this object
    Column("z_size", BigInteger, nullable=False),  # inflated length of `z` (pack header)
    Column("depth", SmallInteger, nullable=False),  # length of the delta chain below
)

# What walks of history read, so that they need not inflate commits.
git_commit = Table(
    "git_commit",
    metadata,
    Column("repo_id", Id, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
    Column("oid", LargeBinary(20), primary_key=True),
    Column("tree", LargeBinary(20), nullable=False),
    Column("parents", LargeBinary, nullable=False),  # 20 bytes each, in order
    Column("seconds", BigInteger, nullable=False),  # committer's date, since 1970 UTC
)

git_ref = Table(
    "git_ref",
    metadata,
    Column("repo_id", Id, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Bytewise, primary_key=True),  # refs/heads/main, refs/tags/v1, refs/pr/3
    Column("oid", LargeBinary(20), nullable=False),
    Column("peeled", LargeBinary(20)),  # what an annotated tag leads to; null for others
    # Refuses pushes that drop commits; null follows the rule: the default branch is protected.
    Column("protected", Boolean),
)

# Repos where objects may have become unreachable: a ref was deleted or moved back. A repo without
# a row has none, so that a clone may send every row it has.
git_garbage = Table(
    "git_garbage",
    metadata,
    Column("repo_id", Id, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
)

# Objects that no ref leads to, and since when (microseconds); they are deleted after a while.
git_unreachable = Table(
    "git_unreachable",
    metadata,
    Column("repo_id", Id, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
    Column("oid", LargeBinary(20), primary_key=True),
    Column("since", BigInteger, nullable=False),
)

# Blobs that are LFS pointers, so that listings need not parse them.
git_pointer = Table(
    "git_pointer",
    metadata,
    Column("repo_id", Id, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
    Column("oid", LargeBinary(20), primary_key=True),
    Column("sha256", LargeBinary(32), nullable=False),
    Column("size", BigInteger, nullable=False),
)

# The tree at the tip of the default branch, with the commit that last touched each entry.
entry = Table(
    "entry",
    metadata,
    Column("repo_id", Id, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
    Column("folder", Bytewise, primary_key=True),  # "" is the root; no trailing slash
    Column("name", Bytewise, primary_key=True),
    Column("mode", Integer, nullable=False),
    Column("oid", LargeBinary(20), nullable=False),
    Column("size", BigInteger, nullable=False),  # of the git blob; 0 for folders
    Column("commit_oid", LargeBinary(20), nullable=False),
)

# -- large files ----------------------------------------------------------------------------

# A file the hub can serve by its sha256: whole in the store, or rebuilt from xorbs, or both.
stored_file = Table(
    "stored_file",
    metadata,
    Column("sha256", LargeBinary(32), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("whole", Boolean, nullable=False),  # the store holds sha256/<digest>
    Column("xet_hash", LargeBinary(32)),  # set: a reconstruction exists
    Column("created_at", BigInteger, nullable=False),
    Index("stored_file_by_xet", "xet_hash"),
)

# Files a repo may refer to: somebody with write access proved to hold every byte.
repo_file = Table(
    "repo_file",
    metadata,
    Column("repo_id", Id, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
    Column("sha256", LargeBinary(32), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Index("repo_file_by_sha256", "sha256"),
)

# An LFS multipart upload under way.
lfs_upload = Table(
    "lfs_upload",
    metadata,
    Column("id", Text, primary_key=True),
    _repo_id(),
    Column("sha256", LargeBinary(32), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("part_size", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

# Files of other sites that the operator keeps here, by the SHA-256 of their URL.
mirror = Table(
    "mirror",
    metadata,
    Column("url_sha256", LargeBinary(32), primary_key=True),
    Column("url", Text, nullable=False),
    Column("sha256", LargeBinary(32), ForeignKey("stored_file.sha256"), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index("mirror_by_sha256", "sha256"),
)

# -- xet ------------------------------------------------------------------------------------

xorb = Table(
    "xorb",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),
    Column("size", BigInteger, nullable=False),  # of the serialised xorb
    Column("chunks", LargeBinary, nullable=False),  # packed chunk table, see registry.xet
    Column("created_at", BigInteger, nullable=False),
)

# Repos whose writers uploaded a xorb, or a file that uses it: the scope of deduplication.
repo_xorb = Table(
    "repo_xorb",
    metadata,
    Column("repo_id", Id, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
    Column("hash", LargeBinary(32), ForeignKey("xorb.hash"), primary_key=True),
    Index("repo_xorb_by_hash", "hash"),
)

# Accounts that did the same: clients remember xorbs for weeks, longer than a repo may live.
account_xorb = Table(
    "account_xorb",
    metadata,
    Column("account_id", Id, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("hash", LargeBinary(32), ForeignKey("xorb.hash"), primary_key=True),
    Index("account_xorb_by_hash", "hash"),
)

# Chunks that answer deduplication queries: the first of each file, and one in 1024.
xet_chunk = Table(
    "xet_chunk",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),
    Column("xorb_hash", LargeBinary(32), ForeignKey("xorb.hash"), primary_key=True),
    Index("xet_chunk_by_xorb", "xorb_hash"),
)

xet_file = Table(
    "xet_file",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),
    Column("sha256", LargeBinary(32), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("terms", LargeBinary, nullable=False),  # packed reconstruction, see registry.xet
    Column("created_at", BigInteger, nullable=False),
    ForeignKeyConstraint(["sha256"], ["stored_file.sha256"]),
    Index("xet_file_by_sha256", "sha256"),
)

# Which xorbs a file is rebuilt from: what a deduplication answer carries, and what must be kept.
xet_file_xorb = Table(
    "xet_file_xorb",
    metadata,
    Column("file_hash", LargeBinary(32), ForeignKey("xet_file.hash"), primary_key=True),
    Column("xorb_hash", LargeBinary(32), ForeignKey("xorb.hash"), primary_key=True),
    Index("xet_file_xorb_by_xorb", "xorb_hash"),
)

# Files and xorbs that nothing refers to, by when that was noticed first.
unused = Table(
    "unused",
    metadata,
    Column("kind", Text, primary_key=True),  # file, xorb
    Column("hash", LargeBinary(32), primary_key=True),
    Column("since", BigInteger, nullable=False),
)

# -- entry points ---------------------------------------------------------------------------

# What hubconf.py offers at a commit that the default branch once pointed at.
manifest = Table(
    "manifest",
    metadata,
    Column("repo_id", Id, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
    Column("commit_oid", LargeBinary(20), primary_key=True),
    Column("body", Text, nullable=False),  # JSON, see reprise.hub.manifest.encoding
    Column("created_at", BigInteger, nullable=False),
)

# Repos whose default branch moved since their manifest was last read.
manifest_due = Table(
    "manifest_due",
    metadata,
    Column("repo_id", Id, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
    Column("since", BigInteger, nullable=False),
)

# Own entry points at the tip of the default branch, for search.
entry_point = Table(
    "entry_point",
    metadata,
    Column("repo_id", Id, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Bytewise, primary_key=True),
    Column("key", Text, nullable=False),  # name and summary, lower case: what search looks into
    Column("kind", Text, nullable=False),  # function, class, instance, unknown
    Column("signature", Text),
    Column("summary", Text, nullable=False),  # first line of the docstring
)

# -- the curated catalogue ------------------------------------------------------------------

# A repo that somebody proposed for the catalogue; its rows follow the repo when it moves.
submission = Table(
    "submission",
    metadata,
    Column("repo_id", Id, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
    Column("commit_oid", LargeBinary(20), nullable=False),  # what was proposed
    Column("submitter_id", Id, ForeignKey("account.id"), nullable=False),
    Column("state", Text, nullable=False),  # see registry.submissions.State
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("submission_by_state", "state", "updated_at"),
)

submission_event = Table(
    "submission_event",
    metadata,
    Column("repo_id", Id, ForeignKey("submission.repo_id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),  # from 1
    Column("state", Text, nullable=False),  # the state it led to
    Column("actor_id", Id, ForeignKey("account.id", ondelete="SET NULL")),  # null: the hub
    Column("reason", Text, nullable=False),
    Column("commit_oid", LargeBinary(20), nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

# The last result of each check of a submission.
submission_check = Table(
    "submission_check",
    metadata,
    Column("repo_id", Id, ForeignKey("submission.repo_id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("position", Integer, nullable=False),  # order in which people read them
    Column("outcome", Text, nullable=False),  # passed, failed, not-run
    Column("reason", Text, nullable=False),
    Column("commit_oid", LargeBinary(20), nullable=False),
    Column("checked_at", BigInteger, nullable=False),
)

# What somebody found who ran a submission's code: `reprise check`. Three columns of JSON.
check_run = Table(
    "check_run",
    metadata,
    Column("id", Id, primary_key=True),
    Column("repo_id", Id, ForeignKey("submission.repo_id", ondelete="CASCADE"), nullable=False),
    Column("commit_oid", LargeBinary(20), nullable=False),
    Column("account_id", Id, ForeignKey("account.id", ondelete="SET NULL")),
    Column("token_name", Text, nullable=False),  # which of the account's tokens sent it
    Column("as_reviewer", Boolean, nullable=False),  # not by somebody who can write to the repo
    Column("environment", Text, nullable=False),  # what the checks ran in
    Column("findings", Text, nullable=False),  # name, outcome, reason
    Column("details", Text, nullable=False),  # by name, to compare later runs with
    Column("created_at", BigInteger, nullable=False),
    Index("check_run_by_repo", "repo_id", "commit_oid", "id"),
)

# Accounts that may decide on submissions of repos they do not own.
reviewer = Table(
    "reviewer",
    metadata,
    Column("account_id", Id, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
)

# What runs a task for people who name no model; the hub's operator chooses.
default_model = Table(
    "default_model",
    metadata,
    Column("task", Text, primary_key=True),
    _repo_id(),
    Column("commit_oid", LargeBinary(20), nullable=False),
    Column("set_at", BigInteger, nullable=False),
    Index("default_model_by_repo", "repo_id"),
)

# One vote per account, which the Hub API calls a like; `repo.likes` counts them.
vote = Table(
    "vote",
    metadata,
    Column("repo_id", Id, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
    Column("account_id", Id, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Index("vote_by_account", "account_id", "created_at"),
)

# "It does not work": what a user saw, and where.
report = Table(
    "report",
    metadata,
    Column("id", Id, primary_key=True),
    _repo_id(),
    Column("author_id", Id, ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    Column("commit_oid", LargeBinary(20)),  # null: the repo was empty
    Column("body", Text, nullable=False),
    Column("environment", Text, nullable=False),  # JSON, see registry.reports
    Column("status", Text, nullable=False),  # open, closed
    Column("created_at", BigInteger, nullable=False),
    Index("report_by_repo", "repo_id", "created_at"),
    Index("report_by_author", "author_id", "created_at"),
)
