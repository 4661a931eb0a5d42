"""Fuzzy matching of names: what the index finds is what the predicate says, and a dictionary that only grows."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from isocenter.dicom import phonetics
from isocenter.dicom.attributes import BY_KEYWORD
from isocenter.dicom.match import Fuzzy
from isocenter.dicom.query import parse_match
from isocenter.store import dialect, names, rows
from isocenter.store.database import Database
from isocenter.store.schema_index import name_word

NAME = BY_KEYWORD["PatientName"]
words = st.sampled_from(
    ["Müller", "Mueller", "Miller", "Mellor", "Meyer", "Maier", "Mayr", "Smith", "Schmidt", "Smythe", "Иванов", "Ivanov", "山田",
     "O'Brien", "Obrian", "van", "de", "J", "John", "Jon", "Jean-Luc", "X", "Øster", "ster*", "'", "Chang", "Zhang", "%", "_",
     "Mu[l"]
)  # fmt: skip
held_names = st.lists(st.tuples(words, st.sampled_from("^ =-\\,"), words).map("".join), min_size=1, max_size=10, unique=True)
asked_names = st.lists(words, min_size=1, max_size=3).map("^".join).filter(phonetics.words)


def test_sql_and_predicate_agree(database: Database) -> None:
    @given(held_names, asked_names)
    def agree(raw: list[str], asked: str) -> None:
        held = [rows.clean({"OperatorsName": text})["OperatorsName"] for text in raw]
        keys = [dialect.name_key(text) for text in held]
        fuzzy = Fuzzy(phonetics.words(asked))

        def work(connection):  # type: ignore[no-untyped-def]
            names.learn(connection.connection.cursor(), rows.mark(connection), keys)
            heard = names.resolved(connection, fuzzy)
            assert isinstance(heard, Fuzzy) and heard.names is not None
            for way in (heard, replace(heard, names=None)):  # few names, many names
                condition = dialect.heard(way, name_word.c.name_key)
                yield set(connection.execute(select(name_word.c.name_key).where(condition)).scalars())
            connection.rollback()

        few, many = database.write(lambda connection: list(work(connection)))
        expected = {key for key, text in zip(keys, held, strict=True) if fuzzy.matches(text, "PN")}
        assert few == many == expected, (fuzzy, held)

    agree()


def test_a_name_that_is_known_is_learned_once(database: Database) -> None:
    key = dialect.name_key("Müller^Jürgen")
    for _ in range(2):
        database.write(lambda c: names.learn(c.connection.cursor(), rows.mark(c), [key]))
    assert database.read(lambda c: c.execute(select(func.count()).select_from(name_word)).scalar_one()) == 2


@given(st.text(max_size=80))
def test_any_text_has_words_and_sounds(text: str) -> None:
    found = phonetics.words(text)
    assert len(found) <= phonetics.MOST_WORDS
    for word in found:
        assert word and phonetics.sounds(word) and phonetics.alike(word, word)
    parse_match(NAME, text, fuzzy=True)
