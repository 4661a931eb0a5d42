"""SQL text for the hot path, generated from the tables, in the driver's own parameter style; and values fit for a column."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import Connection, Table

from isocenter.dicom.attributes import BY_KEYWORD, Attribute, Level
from isocenter.store import dialect
from isocenter.store.schema import name_columns, stored

# A btree row of PostgreSQL holds at most 2,704 bytes; an indexed text of 320 characters (four bytes each) fits together with a
# date. PS3.5 6.2 allows 64 characters in LO, and 64 in each of the three groups of a PN.
INDEXED_LENGTH = 320
TEXT_LENGTH = 10240  # LT, PS3.5 6.2: longer texts are in the object, not in the index
_LONG_VRS = frozenset({"LT", "ST", "UT", "UC", "UR"})


def clean(values: Mapping[str, str]) -> dict[str, str]:
    """The values of the attribute table as a column can hold them: no NUL (PostgreSQL), no lone surrogate, of bounded length, and
    one value where PS3.6 allows but one."""
    return {keyword: _clean(keyword, text) for keyword, text in values.items() if text and keyword in BY_KEYWORD}


@lru_cache(4096)  # most values are those of the image before
def _clean(keyword: str, text: str) -> str:
    if "\\" in text and keyword in dialect.SINGLE_VALUED:
        text = text.partition("\\")[0]  # PS3.6 allows one value; the object keeps the others
    if len(text) > INDEXED_LENGTH:
        text = text[: TEXT_LENGTH if BY_KEYWORD[keyword].vr in _LONG_VRS else INDEXED_LENGTH]
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def columns(*levels: Level) -> tuple[str, ...]:
    """The names of the attribute columns of some levels, in the order of `row`."""
    return tuple(name for attribute in _stored(levels) for name in (attribute.column, *name_columns(attribute)))


def row(values: Mapping[str, str], *levels: Level) -> tuple[str, ...]:
    """The values of `columns(*levels)`."""
    texts: list[str] = []
    for attribute in _stored(levels):
        text = values.get(attribute.keyword, "")
        texts.append(text)
        if attribute.vr == "PN":
            texts.extend(name_keys(attribute, text))
    return tuple(texts)


def name_keys(attribute: Attribute, text: str) -> tuple[str, ...]:
    """The values of `schema.name_columns`, short enough for an index (folding may lengthen a name)."""
    key = dialect.name_key(text)[:INDEXED_LENGTH]
    if len(name_columns(attribute)) == 1:
        return (key,)
    groups = key.split("=")
    return (key, groups[1] if len(groups) > 1 else "", groups[2] if len(groups) > 2 else "")


@cache
def _stored(levels: tuple[Level, ...]) -> tuple[Attribute, ...]:
    return tuple(attribute for level in levels for attribute in stored(level))


def mark(connection: Connection) -> str:
    """The driver's parameter placeholder."""
    return "%s" if connection.dialect.name == "postgresql" else "?"


def insert(table: Table, names: Sequence[str], placeholder: str, returning: str = "") -> str:
    """INSERT INTO table (names) VALUES (...)."""
    quoted = ", ".join(f'"{name}"' for name in names)
    marks = ", ".join([placeholder] * len(names))
    return f'INSERT INTO "{table.name}" ({quoted}) VALUES ({marks})' + (f" RETURNING {returning}" if returning else "")


def some(placeholder: str, items: Iterable[Any]) -> str:
    """A parenthesised list of placeholders, one for each item."""
    return "(" + ", ".join(placeholder for _ in items) + ")"


def short(text: str) -> str:
    """A text from an object that was not accepted, fit for a column."""
    return text[:INDEXED_LENGTH].replace("\0", "").encode("utf-8", "replace").decode("utf-8")
