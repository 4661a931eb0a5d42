"""The tables of lists of patients, on the metadata of `schema`. They speak of patient IDs: reindexing leaves them."""

from sqlalchemy import Column, ForeignKey, Table, Text

from isocenter.store.schema import Bytewise, UtcDateTime, metadata

patient_list = Table(
    "patient_list", metadata,
    Column("name", Bytewise, primary_key=True),
    Column("about", Text, nullable=False, server_default=""),
    Column("at", UtcDateTime, nullable=False),  # the last change
    Column("actor", Bytewise, nullable=False),
)  # fmt: skip

listed_patient = Table(
    "listed_patient", metadata,
    Column("list_name", Bytewise, ForeignKey("patient_list.name", ondelete="CASCADE"), primary_key=True),
    Column("patient_id", Bytewise, primary_key=True),
    Column("issuer_of_patient_id", Bytewise, primary_key=True),
)  # fmt: skip
