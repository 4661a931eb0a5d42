"""The tables of corrections, on the metadata of `schema`. They speak of UIDs: reindexing makes rows anew and leaves these."""

from sqlalchemy import Column, ForeignKey, Index, Table, Text, UniqueConstraint

from isocenter.store.schema import Bytewise, Identifier, UtcDateTime, metadata

correction = Table(
    "correction", metadata,
    Column("id", Identifier, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Bytewise, nullable=False),
    Column("reason", Text, nullable=False),
    Column("patient", Text, nullable=False),  # JSON: keyword -> text, dicom.corrected.KEYWORDS
    Column("undone_at", UtcDateTime),
    Column("undone_by", Bytewise, nullable=False, server_default=""),
    sqlite_autoincrement=True,
)  # fmt: skip

correction_study = Table(
    "correction_study", metadata,
    Column("correction_fk", Identifier, ForeignKey("correction.id", name="fk_correction_study_correction_fk"), nullable=False),
    Column("study_instance_uid", Bytewise, nullable=False),
    UniqueConstraint("correction_fk", "study_instance_uid"),
    Index(None, "study_instance_uid"),
)  # fmt: skip

# Patients who were merged: what comes under the old identity later is the other one's, too, as long as the correction holds.
patient_link = Table(
    "patient_link", metadata,
    Column("identity", Bytewise, primary_key=True),
    Column("correction_fk", Identifier, ForeignKey("correction.id", name="fk_patient_link_correction_fk"), nullable=False),
)

# What a study said itself before it was corrected for the first time.
study_original = Table(
    "study_original", metadata,
    Column("study_instance_uid", Bytewise, primary_key=True),
    Column("identity", Bytewise, nullable=False),
    Column("patient", Text, nullable=False),  # JSON: keyword -> text, every stored attribute of the patient's level
)  # fmt: skip
