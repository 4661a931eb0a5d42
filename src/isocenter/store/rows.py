"""SQL text for the hot path, generated from the tables, in the driver's own parameter style; and values fit for a column."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table

from isocenter.dicom.attributes import BY_KEYWORD, Attribute, Level
from isocenter.dicom.match import fold
from isocenter.store.schema import is_name, key_column, stored

# A btree row of PostgreSQL holds at most 2,704 bytes; an indexed text of 320 characters (four bytes each) fits together with a date.
# PS3.5 6.2 allows 64 characters in LO, and 64 in each of the three groups of a PN.
INDEXED_LENGTH = 320
TEXT_LENGTH = 10240  # LT, PS3.5 6.2: longer texts are in the object, not in the index
_LONG_VRS = frozenset({"LT", "ST", "UT", "UC", "UR"})


def clean(values: Mapping[str, str]) -> dict[str, str]:
    """The values of the attribute table as a column can hold them: no NUL (PostgreSQL), no lone surrogate, of bounded length."""
    return {keyword: _clean(keyword, text) for keyword, text in values.items() if text and keyword in BY_KEYWORD}


def _clean(keyword: str, text: str) -> str:
    if len(text) > INDEXED_LENGTH:
        text = text[: TEXT_LENGTH if BY_KEYWORD[keyword].vr in _LONG_VRS else INDEXED_LENGTH]
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def columns(*levels: Level) -> tuple[str, ...]:
    """The names of the attribute columns of some levels, in the order of `row`."""
    names: list[str] = []
    for attribute in _stored(levels):
        names.append(attribute.column)
        if is_name(attribute):
            names.append(key_column(attribute))
    return tuple(names)


def row(values: Mapping[str, str], *levels: Level) -> tuple[str, ...]:
    """The values of `columns(*levels)`."""
    texts: list[str] = []
    for attribute in _stored(levels):
        text = values.get(attribute.keyword, "")
        texts.append(text)
        if is_name(attribute):
            texts.append(name_key(text))
    return tuple(texts)


def name_key(text: str) -> str:
    """The folded key of a person's name, short enough for an index."""
    return fold(text)[:INDEXED_LENGTH] if text else ""


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
