"""What all tables share: one collection of them, and the types on which databases agree."""

from sqlalchemy import BigInteger, Integer, MetaData, Text

metadata = MetaData()

# SQLite only numbers rows by itself in a column declared INTEGER.
Id = BigInteger().with_variant(Integer, "sqlite")
# Paths and refs sort by their UTF-8 bytes in every database.
Bytewise = Text().with_variant(Text(collation="C"), "postgresql")
