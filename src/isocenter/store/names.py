"""The dictionary of names for fuzzy matching: which names hold a word, and which words have a sound (`dicom.phonetics`).

`learn` speaks to the driver's cursor as `arriving` does, and only adds; `resolved` says which held words a question means.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, select

from isocenter.dicom import phonetics
from isocenter.dicom.match import AnyOf, Fuzzy, Match
from isocenter.store import dialect
from isocenter.store.schema_index import word_sound

FEW = 200  # names that a search had better ask for one by one
_MOST_HEARD = 5000  # words of one sound that are looked at; the rarest spellings of a very common sound come last


def learn(cursor: Any, mark: str, keys: Iterable[str]) -> None:
    """Add names, as in the *_key columns, to the dictionary; what it has stays. In one order, so that nobody waits crosswise."""
    held = sorted({(word, key) for key in keys for word in phonetics.words(key)})
    if not held:
        return
    cursor.executemany(f"INSERT INTO name_word (word, name_key) VALUES ({mark}, {mark}) ON CONFLICT DO NOTHING", held)
    heard = sorted({(sound, word) for word, _ in held for sound in phonetics.sounds(word)})
    cursor.executemany(f"INSERT INTO word_sound (sound, word) VALUES ({mark}, {mark}) ON CONFLICT DO NOTHING", heard)


def resolved(connection: Connection, match: Match) -> Match:
    """The match with the held words that its words sound like; as it is when nothing in it is fuzzy."""
    match match:
        case Fuzzy():
            return _heard(connection, match)
        case AnyOf(ways) if any(isinstance(way, Fuzzy) for way in ways):
            return AnyOf(tuple(_heard(connection, way) if isinstance(way, Fuzzy) else way for way in ways))
        case _:
            return match


def _heard(connection: Connection, match: Fuzzy) -> Fuzzy:
    held = tuple(() if word.endswith("*") else _alike(connection, word) for word in match.words)
    known = replace(match, held=held)
    few = dialect.bearing(known).limit(FEW + 1)
    names = tuple(connection.execute(few).scalars())
    return replace(known, names=names if len(names) <= FEW else None)


def _alike(connection: Connection, word: str) -> tuple[str, ...]:
    heard = select(word_sound.c.word).where(word_sound.c.sound.in_(sorted(phonetics.sounds(word)))).distinct().limit(_MOST_HEARD)
    return tuple(sorted(other for other in connection.execute(heard).scalars() if phonetics.alike(word, other)))
