"""The tables of what is sensitive, on the metadata of `schema`. They speak of UIDs and patient IDs: reindexing leaves them."""

from sqlalchemy import Column, Table, Text

from isocenter.store.schema import Bytewise, UtcDateTime, metadata

sensitive_study = Table(
    "sensitive_study", metadata,
    Column("study_instance_uid", Bytewise, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Bytewise, nullable=False),
    Column("reason", Text, nullable=False),
)  # fmt: skip

# All studies of a patient, as corrected: also those that come later.
sensitive_patient = Table(
    "sensitive_patient", metadata,
    Column("patient_id", Bytewise, primary_key=True),
    Column("issuer_of_patient_id", Bytewise, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Bytewise, nullable=False),
    Column("reason", Text, nullable=False),
)  # fmt: skip
