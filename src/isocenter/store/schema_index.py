"""The tables beside the columns of `schema`, for what is searched in other ways; on the same metadata.

    name_word, word_sound    which names hold a word, which words have a sound: fuzzy matching. A dictionary: it names no study,
                             and a name that nobody bears any more does no harm
    extra_value              values of attributes that the settings declare (`index_attributes`), a row for each value
    index_fill               how far each of these is filled in for what was stored before it was declared
    index_node               which nodes fill it in for what they receive

An owner is a row of patient, study, series or instance, as the attribute's level says.
"""

from sqlalchemy import Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table, Text

from isocenter.store.schema import Bytewise, Identifier, UtcDateTime, metadata

name_word = Table(
    "name_word", metadata,
    Column("word", Bytewise, nullable=False),
    Column("name_key", Bytewise, nullable=False),  # as in the *_key columns
    PrimaryKeyConstraint("word", "name_key"),
    sqlite_with_rowid=False,
)

word_sound = Table(
    "word_sound", metadata,
    Column("sound", Bytewise, nullable=False),
    Column("word", Bytewise, nullable=False),
    PrimaryKeyConstraint("sound", "word"),
    sqlite_with_rowid=False,
)

index_fill = Table(
    "index_fill", metadata,
    Column("id", Identifier, primary_key=True, autoincrement=True),
    Column("name", Bytewise, nullable=False, unique=True),  # store.filling.NAMES, or a declared attribute
    # the last id of study (names) or instance (attributes) that was looked at, and the last that has to be
    *(Column(name, Identifier, nullable=False, server_default="0") for name in ("reached", "through")),
    *(Column(name, Integer, nullable=False, server_default="0") for name in ("looked_at", "errors")),
    Column("last_error", Text, nullable=False, server_default=""),
    Column("declared_at", UtcDateTime, nullable=False),
    *(Column(name, UtcDateTime) for name in ("finished_at", "lease_until")),
    sqlite_autoincrement=True,
)

index_node = Table(
    "index_node", metadata,
    Column("fill_fk", Identifier, ForeignKey("index_fill.id", ondelete="CASCADE"), nullable=False),
    Column("node", Bytewise, nullable=False),
    PrimaryKeyConstraint("fill_fk", "node"),
    sqlite_with_rowid=False,
)

# Without foreign keys: a declared attribute is filled in by the thousand, and taken away in pieces.
extra_value = Table(
    "extra_value", metadata,
    Column("fill_fk", Identifier, nullable=False),
    Column("owner", Identifier, nullable=False),
    Column("number", Integer, nullable=False),  # of several values of one owner
    Column("value", Bytewise, nullable=False),
    Column("key", Bytewise, nullable=False),  # the folded name of a person, else the value's beginning
    PrimaryKeyConstraint("fill_fk", "owner", "number"),
    Index(None, "fill_fk", "key", "owner"),
    sqlite_with_rowid=False,
)
