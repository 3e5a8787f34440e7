"""Tables of the hub: results that were reported elsewhere, and packages that were rebuilt.

They are part of `schema`, and follow its rules.
"""

from sqlalchemy import BigInteger, Column, Float, Index, Table, Text

from reprise.registry.db.columns import Id, metadata

# A value that somebody once reported; nobody computed it again. Read from leaderboards of others.
past_result = Table(
    "past_result",
    metadata,
    Column("id", Id, primary_key=True),
    Column("source", Text, nullable=False),  # what the operator called the import
    Column("board", Text, nullable=False),  # digest of task, dataset and metric, 16 hex digits
    Column("task", Text, nullable=False),
    Column("dataset", Text, nullable=False),
    Column("dataset_key", Text, nullable=False),  # letters and digits of it, lower case
    Column("metric", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("value", Text, nullable=False),  # as it was written
    Column("number", Float(53)),  # null: it was no number
    Column("paper", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("date", Text, nullable=False),
    Column("imported_at", BigInteger, nullable=False),
    Index("past_result_by_board", "board", "number"),
    Index("past_result_by_dataset", "dataset_key"),
    Index("past_result_by_source", "source"),
)

# Versions of a package whose results are to be computed again: verdicts made with them are due.
rebuild = Table(
    "rebuild",
    metadata,
    Column("id", Id, primary_key=True),
    Column("package", Text, nullable=False),  # normalised name
    Column("versions", Text, nullable=False),  # a specifier: "<2.1.3"
    Column("reason", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index("rebuild_by_package", "package"),
)
