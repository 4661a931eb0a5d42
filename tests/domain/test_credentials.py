"""Passwords, secrets, and the price of guessing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.domain import credentials
from isocenter.domain.credentials import Passwords
from isocenter.domain.errors import Invalid

CHEAP = Passwords(memory_kib=64, passes=1)


WEAK = ["tooshort", "letmeinletmein", "Password1234!", "isocenter1234", "radiologist12", "abcdefghijkl", "qwertzuiop12",
        "aaaaaaaaaaaaaaa", "ababababababab", "passwordpassword", "Jane.Doe.1234", "x" * 1025]


@pytest.mark.parametrize("password", WEAK)
def test_weak_passwords_are_refused_with_the_reason(password: str) -> None:
    with pytest.raises(Invalid) as error:
        credentials.check_password(password, "jane.doe")
    assert error.value.where == "password"
    assert password not in str(error.value)


def test_a_sentence_and_every_generated_password_pass() -> None:
    credentials.check_password("correct horse battery", "jane")
    made = {credentials.new_password() for _ in range(50)}
    assert len(made) == 50
    for password in made:
        credentials.check_password(password, "jane")


def test_a_hash_verifies_its_password_only() -> None:
    kept = CHEAP.hash("correct horse battery")
    assert kept.startswith("$argon2id$")
    assert CHEAP.verify("correct horse battery", kept)
    assert not CHEAP.verify("correct horse batterz", kept)
    assert not CHEAP.verify("correct horse battery", "no hash at all")
    assert not CHEAP.verify("x" * 2000, kept)


def test_other_costs_make_a_hash_outdated() -> None:
    kept = CHEAP.hash("correct horse battery")
    assert not CHEAP.outdated(kept)
    assert Passwords(memory_kib=128, passes=1).outdated(kept)
    assert Passwords(memory_kib=128, passes=1).verify("correct horse battery", kept)


@given(failures=st.integers(0, 10_000), key=st.sampled_from(["account", "address"]))
def test_waiting_grows_and_ends(failures: int, key: str) -> None:
    wait, next_wait = credentials.delay(failures, key), credentials.delay(failures + 1, key)
    assert 0 <= wait <= next_wait <= credentials.LONGEST_DELAY[key]
    assert (wait == 0) == (failures < credentials.FREE_FAILURES[key])


def test_secrets_are_long_and_never_equal() -> None:
    made = {credentials.new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(len(secret) >= 43 for secret in made)
    assert len({credentials.fingerprint(secret) for secret in made}) == 100


def test_the_csrf_token_belongs_to_one_session_and_does_not_tell_its_secret() -> None:
    secret = credentials.new_secret()
    assert credentials.csrf_token(secret) == credentials.csrf_token(secret) != credentials.csrf_token(credentials.new_secret())
    assert secret not in credentials.csrf_token(secret)
    assert credentials.same("ä", "ä") and not credentials.same("ä", "a")
