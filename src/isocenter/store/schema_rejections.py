"""The tables of rejected objects (IHE RAD IOCM), on the metadata of `schema`. They speak of UIDs: reindexing makes rows anew and
leaves these.

    rejection 1─n rejected    a rejection note and the objects it names       study_hidden   studies of which nothing is served
    legal_hold                studies of which nothing may be deleted         deletion       files whose rows are gone
"""

from sqlalchemy import Column, ForeignKey, Index, Table, Text, UniqueConstraint

from isocenter.store.schema import Bytewise, Identifier, UtcDateTime, metadata

rejection = Table(
    "rejection", metadata,
    Column("id", Identifier, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Bytewise, nullable=False),
    Column("code", Bytewise, nullable=False),  # of DCM, CID 7011: domain.rejections.CODES
    Column("reason", Text, nullable=False),
    Column("study_instance_uid", Bytewise, nullable=False),
    Column("note_uid", Bytewise, nullable=False, unique=True),  # SOP Instance UID of the Key Object Selection
    Column("source", Bytewise, nullable=False),  # here | received
    Column("undone_at", UtcDateTime),
    Column("undone_by", Bytewise, nullable=False, server_default=""),
    # The second step: when its objects are to be deleted; NULL: they are hidden only.
    Column("delete_at", UtcDateTime),
    Column("deleted_by", Bytewise, nullable=False, server_default=""),
    Column("delete_reason", Text, nullable=False, server_default=""),
    Column("freed_at", UtcDateTime),
    Index(None, "delete_at"),
    Index(None, "study_instance_uid"),
    sqlite_autoincrement=True,
)  # fmt: skip

rejected = Table(
    "rejected", metadata,
    Column("rejection_fk", Identifier, ForeignKey("rejection.id", name="fk_rejected_rejection_fk"), nullable=False),
    *(Column(f"{name}_uid", Bytewise, nullable=False)
      for name in ("study_instance", "series_instance", "sop_instance", "sop_class")),
    Column("state", Bytewise, nullable=False),  # absent | hidden | freed | back
    Column("served", Identifier, nullable=False, server_default="0"),  # id of the version that was served; 0: not known
    UniqueConstraint("rejection_fk", "sop_instance_uid"),
    Index(None, "sop_instance_uid"),
    Index(None, "study_instance_uid"),
)  # fmt: skip

study_hidden = Table(
    "study_hidden", metadata,
    Column("study_fk", Identifier, ForeignKey("study.id", ondelete="CASCADE", name="fk_study_hidden_study_fk"), primary_key=True,
           autoincrement=False),
)  # fmt: skip

# Which of several data sets with one SOP Instance UID a person has chosen; without a row it is the first.
served_version = Table(
    "served_version", metadata,
    Column("sop_instance_uid", Bytewise, primary_key=True),
    Column("sha256", Bytewise, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Bytewise, nullable=False),
)

# Series that were taken out of a study: copies with UIDs of their own, and a rejection of what was there.
study_split = Table(
    "study_split", metadata,
    Column("id", Identifier, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Bytewise, nullable=False),
    Column("reason", Text, nullable=False),
    Column("study_instance_uid", Bytewise, nullable=False),
    Column("into_uid", Bytewise, nullable=False),
    Column("made", Text, nullable=False),  # JSON: SOP Instance UIDs, as they were -> as they are now
    Column("undone_at", UtcDateTime),
    Column("undone_by", Bytewise, nullable=False, server_default=""),
    Index(None, "study_instance_uid"),
    Index(None, "into_uid"),
    sqlite_autoincrement=True,
)

legal_hold = Table(
    "legal_hold", metadata,
    Column("study_instance_uid", Bytewise, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Bytewise, nullable=False),
    Column("reason", Text, nullable=False),
)

deletion = Table(
    "deletion", metadata,
    Column("blob_key", Bytewise, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("rejection_fk", Identifier, nullable=False),
    Index(None, "rejection_fk"),
)
