"""The tables. Columns of patient, study, series and instance are generated from `dicom.attributes.ATTRIBUTES`.

    patient 1─n study 1─n series 1─n instance        ids are never reused (AUTOINCREMENT), so a remembered id can only vanish
      study_modality, study_sop_class                one row per study and modality or SOP class (LIBRARIES 4.2)
      series_dirty                                   series whose derived data must be rebuilt, with leases
      series_copy_due, viewing_copy                  series whose HTJ2K copies are to be made, and the copies there are
    change                                           the numbered log of all that happened
    exception                                        what a person should look at: quarantined, versions, conflicts, refused
    account, session, token, login_attempt           who may come in
    peer                                             the DICOM application entities we know
    storage_commitment                               what peers want to be told about their instances, until they are
    retrieval                                        what is to come from another archive, and how far it is

Conventions: `*_fk` is a parent's id; `*_key` is `fold()` of a person's name, for matching; absent text is "" (never NULL), as
PS3.4 C.2.2.2.3 makes no difference between an absent and an empty value. A study's row carries its patient's columns as the
study itself states them.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.types import TypeDecorator

from isocenter.dicom.attributes import Attribute, Level, at

# Byte order on both databases: then `>= 'SMI' and < 'SMJ'` is a prefix search and can use an index (LIBRARIES 4.2).
Bytewise = Text().with_variant(Text(collation="C"), "postgresql")
Identifier = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime as text of fixed width (2026-11-22T08:45:00.123456Z), which sorts as time does on both databases."""

    impl = Bytewise
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> str | None:
        """The text of an aware datetime."""
        return None if value is None else timestamp(value)

    def process_result_value(self, value: str | None, dialect: Any) -> datetime | None:
        """The aware datetime of a text."""
        return None if value is None else datetime.fromisoformat(value)


def timestamp(value: datetime) -> str:
    """How a time is written in the database; value must be aware."""
    if value.tzinfo is None:
        raise ValueError("a time without a time zone")
    return value.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"  # five times as fast as strftime


_INDEXED_NAMES = frozenset({"PatientName", "ReferringPhysicianName"})


def key_column(attribute: Attribute) -> str:
    """The name of the folded column of a person's name."""
    return f"{attribute.column}_key"


def name_columns(attribute: Attribute) -> tuple[str, ...]:
    """The columns beside an attribute's text that hold its folded name: none unless it is a person's name.

    The ideographic and phonetic groups of the two names that searches are driven by have columns and indexes of their own.
    """
    if attribute.vr != "PN":
        return ()
    key = key_column(attribute)
    return (key, f"{key}_ideographic", f"{key}_phonetic") if attribute.keyword in _INDEXED_NAMES else (key,)


def stored(level: Level) -> tuple[Attribute, ...]:
    """The attributes of a level that are taken from the objects (not computed)."""
    return tuple(attribute for attribute in at(level) if not attribute.computed)


def _text(name: str) -> Column[Any]:
    return Column(name, Bytewise, nullable=False, server_default="")


def _number(name: str) -> Column[Any]:
    return Column(name, Integer, nullable=False, server_default="0")


def _attributes(level: Level) -> list[Column[Any]]:
    columns: list[Column[Any]] = []
    for attribute in stored(level):
        columns.extend(_text(name) for name in (attribute.column, *name_columns(attribute)))
    return columns


def _id() -> Column[Any]:
    return Column("id", Identifier, primary_key=True, autoincrement=True)


def _parent(table: str, **options: Any) -> Column[Any]:
    return Column(f"{table}_fk", Identifier, ForeignKey(f"{table}.id", **options), nullable=False)


def _times(*names: str) -> list[Column[Any]]:
    return [Column(name, UtcDateTime, nullable=False) for name in names]


patient = Table(
    "patient", metadata, _id(),
    Column("identity", Bytewise, nullable=False, unique=True),
    *_attributes(Level.PATIENT),
    _number("number_of_patient_related_studies"),
    _number("number_of_patient_related_series"),
    _number("number_of_patient_related_instances"),
    *_times("received_at", "updated_at"),
    *(Index(None, f"patient_name_key{group}") for group in ("", "_ideographic", "_phonetic")),
    Index(None, "patient_id"),
    sqlite_autoincrement=True,
)

study = Table(
    "study", metadata, _id(), _parent("patient"),
    *_attributes(Level.PATIENT),
    *_attributes(Level.STUDY),
    _text("modalities_in_study"),
    _text("sop_classes_in_study"),
    _number("number_of_study_related_series"),
    _number("number_of_study_related_instances"),
    *_times("received_at", "updated_at"),
    _text("corrected"),  # JSON of what is said outside instead of what its objects say (`store.corrections`); "" as they are
    UniqueConstraint("study_instance_uid"),
    Index(None, "patient_fk"),
    Index(None, "patient_id"),
    Index(None, "accession_number"),
    Index(None, "received_at"),
    sqlite_autoincrement=True,
)
# The two plans of LIBRARIES 4.2 that are driven by name and by date; the second covers the search of the study list.
Index("ix_study_name", study.c.patient_name_key, study.c.study_date.desc(), study.c.id.desc())
for _group in ("ideographic", "phonetic"):
    Index(f"ix_study_name_{_group}", study.c[f"patient_name_key_{_group}"])
    Index(f"ix_study_referrer_{_group}", study.c[f"referring_physician_name_key_{_group}"])
Index("ix_study_date", study.c.study_date.desc(), study.c.id.desc(), study.c.patient_name_key)
# The orders of the study list that the others do not serve. Not the counts: they change with every batch of instances, and on
# PostgreSQL a change to an indexed column writes to every index of the row.
Index("ix_study_list", study.c.study_date.desc(), study.c.study_time.desc(), study.c.id.desc(), study.c.patient_name_key)
for _sorted in ("institution_name", "modalities_in_study", "patient_birth_date", "patient_sex", "study_description"):
    Index(f"ix_study_{_sorted}", study.c[_sorted], study.c.id)
Index("ix_study_name_list", study.c.patient_name_key, study.c.study_date.desc(), study.c.study_time.desc(), study.c.id.desc(),
      study.c.modalities_in_study)  # `named`
Index("ix_study_referrer", study.c.referring_physician_name_key, study.c.study_date.desc(), study.c.id.desc())

study_modality = Table(
    "study_modality", metadata, _parent("study", ondelete="CASCADE"),
    Column("modality", Bytewise, nullable=False),
    _text("study_date"),
    _text("patient_name_key"),
    UniqueConstraint("study_fk", "modality"),
)
Index("ix_study_modality_date", study_modality.c.modality, study_modality.c.study_date.desc(),
      study_modality.c.study_fk.desc(), study_modality.c.patient_name_key)

study_sop_class = Table(
    "study_sop_class", metadata, _parent("study", ondelete="CASCADE"),
    Column("sop_class_uid", Bytewise, nullable=False),
    UniqueConstraint("study_fk", "sop_class_uid"),
    Index(None, "sop_class_uid", "study_fk"),
)

series = Table(
    "series", metadata, _id(), _parent("study"),
    *_attributes(Level.SERIES),
    _number("number_of_series_related_instances"),
    _number("version"),  # grows whenever an instance of the series is added or changed
    *_times("received_at", "updated_at"),
    UniqueConstraint("series_instance_uid"),
    Index(None, "study_fk"),
    sqlite_autoincrement=True,
)

instance = Table(
    "instance", metadata, _id(), _parent("series"),
    *_attributes(Level.INSTANCE),
    # version 1 arrived first and is served; another data set under the same UID is kept as 2, 3, ... and shown as a conflict
    Column("version", Integer, nullable=False),
    Column("current", Boolean, nullable=False),
    Column("blob_key", Bytewise, nullable=False),
    Column("sha256", Bytewise, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("dataset_offset", Integer, nullable=False),
    Column("transfer_syntax_uid", Bytewise, nullable=False),
    Column("frames", LargeBinary),  # dicom.frames.FrameTable.encode(); NULL: no pixel data
    _text("source"),
    _text("source_aet"),
    _text("called_aet"),
    *_times("received_at"),
    UniqueConstraint("sop_instance_uid", "version"),
    Index(None, "series_fk"),
    sqlite_autoincrement=True,
)


def _due(name: str) -> Table:
    """Series that something is to be done about, with leases (`store.dirty`)."""
    return Table(
        name, metadata,
        Column("series_fk", Identifier, ForeignKey("series.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
        Column("due_at", UtcDateTime, nullable=False),
        _number("attempts"),
        Column("lease_until", UtcDateTime),
        Index(None, "due_at"),
    )


series_dirty = _due("series_dirty")
series_copy_due = _due("series_copy_due")

viewing_copy = Table(
    "viewing_copy", metadata,
    Column("instance_id", Identifier, ForeignKey("instance.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    *(Column(name, Bytewise, nullable=False) for name in ("original", "blob_key", "sha256")),
    Column("size", BigInteger, nullable=False),
    *_times("made_at"),
    Column("frames", LargeBinary, nullable=False),
    Column("resolutions", LargeBinary, nullable=False),
    Index("ix_viewing_copy_made", "made_at", "instance_id", "size"),  # with the size: their sum is read from it alone
    Index(None, "blob_key"),
)

change = Table(
    "change", metadata,
    Column("seq", Identifier, primary_key=True, autoincrement=True),
    *_times("at"),
    Column("kind", Bytewise, nullable=False),
    _text("subject"),
    _text("actor"),
    Column("payload", Text, nullable=False),  # JSON
    Column("hash", Bytewise, nullable=False, server_default=""),  # `changes.chained`; "" of rows that older programs wrote
    Column("study", Bytewise),  # `changes.study_of`; NULL in rows that older programs wrote
    Index(None, "kind", "seq"),
    Index(None, "study", "seq"),
    Index(None, "actor", "seq"),
    sqlite_autoincrement=True,
)

schema_reach = Table(
    "schema_reach", metadata,
    Column("oldest", Bytewise, primary_key=True),  # the oldest revision whose programs may use this schema (`migrations`)
)

exception = Table(
    "exception", metadata, _id(),
    Column("kind", Bytewise, nullable=False),  # quarantined | version | patient_conflict | refused | commitment
    _text("reason"),
    _text("where"),
    _text("study_instance_uid"),
    _text("series_instance_uid"),
    _text("sop_instance_uid"),
    _text("sop_class_uid"),
    Column("study_fk", Identifier, ForeignKey("study.id", ondelete="SET NULL")),
    Column("patient_fk", Identifier, ForeignKey("patient.id", ondelete="SET NULL")),
    _text("blob_key"),  # "" when nothing was kept
    _text("sha256"),
    Column("size", BigInteger, nullable=False, server_default="0"),
    _text("source"),
    _text("source_aet"),
    _text("address"),
    _text("actor"),
    Column("fingerprint", Bytewise, nullable=False, unique=True),  # the same again only counts
    Column("occurrences", Integer, nullable=False, server_default="1"),
    *_times("first_at", "last_at"),
    Column("dismissed_at", UtcDateTime),
    _text("dismissed_by"),
    Index(None, "where", "actor", "study_instance_uid"),  # what came over upload links
    Index(None, "last_at"),
    sqlite_autoincrement=True,
)

account = Table(
    "account", metadata, _id(),
    Column("name", Bytewise, nullable=False, unique=True),
    Column("role", Bytewise, nullable=False),
    Column("password_hash", Text, nullable=False),
    _text("referrer_name"),
    Column("disabled", Boolean, nullable=False, default=False),
    *_times("created_at", "password_changed_at"),
    _text("studies"),  # domain.access.limit
    sqlite_autoincrement=True,
)

session = Table(
    "session", metadata,
    Column("token_hash", Bytewise, primary_key=True),
    Column("account_id", Identifier, ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    _text("address"),
    *_times("created_at", "seen_at"),
    Index(None, "account_id"),
)

token = Table(
    "token", metadata, _id(),
    Column("token_hash", Bytewise, nullable=False, unique=True),
    Column("account_id", Identifier, ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    _text("name"),
    _text("role"),
    *_times("created_at"),
    Column("expires_at", UtcDateTime),
    Column("used_at", UtcDateTime),
    _text("permissions"),  # separated by spaces; empty: all that account and role have
    Index(None, "account_id"),
    sqlite_autoincrement=True,
)

preference = Table(
    "preference", metadata,
    Column("account_id", Identifier, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("part", Bytewise, primary_key=True),
    Column("value", Text, nullable=False),  # JSON object: what it means is the web client's
)

login_attempt = Table(
    "login_attempt", metadata,
    Column("key", Bytewise, primary_key=True),
    Column("failures", Integer, nullable=False),
    *_times("last_at"),
)

peer = Table(
    "peer", metadata, _id(),
    Column("aet", Bytewise, nullable=False, unique=True),
    Column("host", Bytewise, nullable=False),
    Column("port", Integer, nullable=False),
    _text("description"),
    *_times("created_at"),
    *(_text(name) for name in ("allowed_ips", "preferred_syntaxes", "services")),  # words, a space between
    _text("character_set"),
    _text("issuer"),
    *(_number(name) for name in ("max_associations", "throttle")),
    Column("parallel", Integer, nullable=False, server_default="1"),
    *(Column(name, Boolean, nullable=False, server_default=false()) for name in ("tls", "paused", "notify_availability")),
    Column("asks_commitment", Boolean, nullable=False, server_default=false()),
    _text("archive"),  # domain.retrieval.AskedWhen
    Column("last_seen_at", UtcDateTime),
    *(Column(name, Identifier, nullable=False, server_default="0") for name in ("associations", "instances")),
    sqlite_autoincrement=True,
)

storage_commitment = Table(
    "storage_commitment", metadata, _id(),
    Column("peer_aet", Bytewise, nullable=False),
    Column("transaction_uid", Bytewise, nullable=False),
    Column("refs", Text, nullable=False),  # JSON: [[SOP Class UID, SOP Instance UID, Failure Reason], ...]
    Column("judged", Boolean, nullable=False),
    *_times("received_at", "due_at"),
    _number("attempts"),
    Column("lease_until", UtcDateTime),
    UniqueConstraint("peer_aet", "transaction_uid"),
    Index(None, "due_at"),
    sqlite_autoincrement=True,
)

commitment_request = Table(
    "commitment_request", metadata, _id(),
    Column("peer_aet", Bytewise, nullable=False),  # who is asked
    Column("transaction_uid", Bytewise, nullable=False, unique=True),
    Column("state", Bytewise, nullable=False),  # due | asked | committed | failed | given_up
    _text("reason"),
    Column("refs", Text, nullable=False),  # as in storage_commitment
    *_times("created_at", "due_at"),
    *(Column(name, UtcDateTime) for name in ("asked_at", "answered_at", "lease_until")),
    _number("attempts"),
    Index(None, "state", "due_at"),
    sqlite_autoincrement=True,
)

retrieval = Table(
    "retrieval", metadata, _id(),
    Column("peer_aet", Bytewise, nullable=False),
    Column("study_instance_uid", Bytewise, nullable=False),
    _text("series_instance_uid"),  # "": the whole study
    Column("state", Bytewise, nullable=False),  # domain.retrieval.State
    _text("how"),  # C-GET | C-MOVE, when it has ended
    *(_number(name) for name in ("remaining", "completed", "failed", "warning", "attempts")),
    _text("reason"),
    _text("asked_by"),
    *_times("asked_at", "due_at"),
    *(Column(name, UtcDateTime) for name in ("begun_at", "ended_at", "lease_until")),
    Column("cancelled", Boolean, nullable=False),  # a person wants it to end
    Index(None, "state", "due_at"),
    Index(None, "study_instance_uid"),
    sqlite_autoincrement=True,
)
