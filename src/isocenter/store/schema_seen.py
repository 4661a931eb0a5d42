"""The table of which images somebody has really looked at, on the metadata of `schema`: a bit for each frame of a series."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table

from isocenter.store.schema import Bytewise, Identifier, UtcDateTime, metadata

seen_series = Table(
    "seen_series", metadata,
    Column("account_id", Identifier, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("series_uid", Bytewise, primary_key=True),
    Column("study_uid", Bytewise, nullable=False),
    Column("instances", Integer, nullable=False),  # how many of the series, as they arrived, the bits are of
    Column("fingerprint", Bytewise, nullable=False),  # of these: bits of a series that lost or changed one say nothing any more
    Column("bits", LargeBinary, nullable=False),  # frame by frame in that order, the lowest bit first
    Column("at", UtcDateTime, nullable=False),
    Index(None, "account_id", "study_uid"),
)  # fmt: skip
