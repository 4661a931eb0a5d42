"""The table of what people drew on the images of a study, on the metadata of `schema`. Rows are only added: each is a version."""

from sqlalchemy import Column, ForeignKey, Integer, Table, Text

from isocenter.store.schema import Bytewise, Identifier, UtcDateTime, metadata

annotation = Table(
    "annotation", metadata,
    Column("account_id", Identifier, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("study_uid", Bytewise, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),  # of the study's annotations of that account
    Column("item", Bytewise, primary_key=True),
    Column("value", Text, nullable=False),  # JSON object; "" says that it was taken away
    Column("at", UtcDateTime, nullable=False),
)  # fmt: skip
