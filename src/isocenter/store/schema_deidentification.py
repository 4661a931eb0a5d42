"""The tables of de-identification, on the metadata of `schema`.

    deid_project                      projects
    deid_report 1─n deid_report_study   what was done to what left, and of which studies that was
"""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Table, Text

from isocenter.store.schema import Bytewise, Identifier, UtcDateTime, metadata

deid_project = Table(
    "deid_project", metadata,
    Column("id", Identifier, primary_key=True, autoincrement=True),
    Column("name", Bytewise, nullable=False, unique=True),
    Column("description", Text, nullable=False),
    Column("secret", Bytewise, nullable=False),  # hexadecimal; whoever has it can tell patients from their pseudonyms
    Column("value", Text, nullable=False),  # JSON, as domain.deidentification leaves it
    Column("closed", Boolean, nullable=False),  # nothing leaves by it any more; it is kept, for its pseudonyms are in the world
    Column("changed_at", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,
)  # fmt: skip

deid_report = Table(
    "deid_report", metadata,
    Column("id", Identifier, primary_key=True, autoincrement=True),
    Column("project", Bytewise, nullable=False),  # "": pseudonyms of that time only
    Column("form", Bytewise, nullable=False),  # delivery, dicom, copy or folder
    Column("destination", Bytewise, nullable=False),  # "": none
    Column("delivery", Identifier, nullable=True),  # its number; a delivery may be forgotten before its reports
    Column("actor", Bytewise, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime, nullable=True),  # None: under way
    Column("whole", Boolean, nullable=False),  # nobody broke it off
    Column("value", Text, nullable=False),  # JSON, as domain.deidentification_report makes it
    Index(None, "delivery"),
    Index(None, "project"),
    sqlite_autoincrement=True,
)  # fmt: skip

deid_report_study = Table(
    "deid_report_study", metadata,
    Column("report_fk", Identifier, ForeignKey("deid_report.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("study_instance_uid", Bytewise, primary_key=True),
    Index(None, "study_instance_uid"),
)
