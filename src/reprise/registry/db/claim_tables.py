"""Tables of the hub: claims, verdicts on them, and the log that keeps both honest.

They are part of `schema`, and follow its rules. Nothing here goes with a repo or an account that is
deleted: what was verified stays verified.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from reprise.registry.db.columns import Bytewise, Id, metadata

# A score that a repo states or once stated. Numbers are decimal texts: their digits count.
claim = Table(
    "claim",
    metadata,
    Column("id", Id, primary_key=True),
    Column("repo_id", Id, ForeignKey("repo.id", ondelete="SET NULL")),  # null: it was deleted
    Column("repo_type", Text, nullable=False),
    Column("repo_name", Text, nullable=False),  # owner/name when it was last read
    Column("repo_key", Text, nullable=False),  # the same, lower case
    Column("hidden", Boolean, nullable=False),  # the repo was private when it was deleted
    Column("commit_oid", LargeBinary(20), nullable=False),  # that it is about
    Column("digest", Text, nullable=False),  # SHA-256 of the canonical JSON, hex
    Column("name", Bytewise, nullable=False),  # among the repo's claims: "squad", "card-1"
    Column("position", Integer, nullable=False),  # order among the repo's claims
    Column("source", Text, nullable=False),  # claims, model-index, eval-results
    Column("path", Bytewise, nullable=False),
    Column("task", Text, nullable=False),
    Column("data_repo", Text, nullable=False),
    Column("data_key", Text, nullable=False),  # the same, lower case
    Column("data_config", Text),
    Column("data_split", Text),
    Column("data_revision", Text),
    Column("metric", Text, nullable=False),  # "squad2@1.0"
    Column("metric_value", Text),  # which of its values; null: the main one
    Column("signature", Text),
    Column("unit", Text),
    Column("value", Text, nullable=False),
    Column("n", BigInteger),
    Column("pins", Text, nullable=False),  # full, partial
    Column("body", Text, nullable=False),  # canonical JSON
    Column("files_digest", Text, nullable=False),  # of all files at the tip that change numbers
    Column("stated_at", BigInteger, nullable=False),
    Column("withdrawn_at", BigInteger),  # when it was gone from the default branch
    UniqueConstraint("repo_id", "digest"),
    Index("claim_by_digest", "digest"),
    Index("claim_by_name", "repo_type", "repo_key"),
    Index("claim_by_data", "data_key", "data_config", "data_split", "metric"),
)

# A key that signs verdicts. It belongs to one account for ever: it is revoked, never deleted.
verifier_key = Table(
    "verifier_key",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account_id", Id, ForeignKey("account.id", ondelete="SET NULL")),
    Column("fingerprint", Text, nullable=False, unique=True),  # SHA256:…, as OpenSSH writes it
    Column("kind", Text, nullable=False),  # ed25519, ssh
    Column("title", Text, nullable=False),
    Column("public_key", LargeBinary(32), nullable=False),
    Column("valid_from", BigInteger, nullable=False),
    Column("valid_until", BigInteger),
    Column("revoked_at", BigInteger),
    Column("revoked_because", Text),
    Index("verifier_key_by_account", "account_id"),
)

# One execution of a claim by somebody. What it left lies in the store, by SHA-256 in hex.
run = Table(
    "run",
    metadata,
    Column("id", Id, primary_key=True),
    Column("claim_id", Id, ForeignKey("claim.id"), nullable=False),
    Column("account_id", Id, ForeignKey("account.id", ondelete="SET NULL")),
    Column("level", Text, nullable=False),  # recomputed, rerun, retrained
    Column("state", Text, nullable=False),  # waiting, running, finished, failed
    Column("environment", Text, nullable=False),  # JSON
    Column("started_at", BigInteger),
    Column("finished_at", BigInteger),
    Column("log_digest", Text),  # of the text of its log
    Column("evidence_digest", Text),  # of JSON: name of each file -> its text
    Index("run_by_claim", "claim_id"),
)

# What came out. What the envelope says is kept in columns, too, to be asked for.
verdict = Table(
    "verdict",
    metadata,
    Column("id", Id, primary_key=True),
    Column("claim_id", Id, ForeignKey("claim.id"), nullable=False),
    Column("run_id", Id, ForeignKey("run.id"), nullable=False),
    Column("account_id", Id, ForeignKey("account.id", ondelete="SET NULL")),
    Column("key_id", Id, ForeignKey("verifier_key.id"), nullable=False),
    Column("level", Text, nullable=False),
    Column("outcome", Text, nullable=False),  # formats.verdict.Outcome
    Column("value", Text),
    Column("n", BigInteger),
    Column("ci_low", Text),
    Column("ci_high", Text),
    Column("signature", Text),
    Column("unit", Text),
    Column("independent", Boolean, nullable=False),  # the verifier could not write to the repo
    Column("hardware_class", Text, nullable=False),
    Column("envelope", Text, nullable=False),  # DSSE, canonical JSON
    Column("envelope_digest", Text, nullable=False, unique=True),  # SHA-256, hex
    # Of what is signed: the same again, with another signature around it, is a replay, too.
    Column("statement_digest", Text, nullable=False, unique=True),
    Column("made_at", BigInteger, nullable=False),
    Column("posted_at", BigInteger, nullable=False),
    Column("log_index", BigInteger, nullable=False, unique=True),
    Index("verdict_by_claim", "claim_id", "id"),
    Index("verdict_by_account", "account_id", "posted_at"),
    Index("verdict_by_key", "key_id"),
)

# What the authors of a claim say to a verdict. They may answer; they cannot erase.
verdict_answer = Table(
    "verdict_answer",
    metadata,
    Column("id", Id, primary_key=True),
    Column("verdict_id", Id, ForeignKey("verdict.id"), nullable=False),
    Column("account_id", Id, ForeignKey("account.id", ondelete="SET NULL")),
    Column("text", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("verdict_answer_by_verdict", "verdict_id", "id"),
)

# The log: append only. Whoever kept an older head notices any other change.
log_entry = Table(
    "log_entry",
    metadata,
    Column("log_index", BigInteger, primary_key=True, autoincrement=False),  # dense, from 0
    Column("kind", Text, nullable=False),  # verdict, revocation
    Column("leaf", LargeBinary(32), nullable=False),  # RFC 6962 hash of the body
    Column("body", Text, nullable=False),  # canonical JSON
    Column("at", BigInteger, nullable=False),
)

# Hashes of complete subtrees of the log, so that heads and proofs take few reads.
log_node = Table(
    "log_node",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),  # 0: leaves
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
)
