"""One-time codes against the vectors of RFC 4226 and RFC 6238."""

import base64
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from isocenter.domain import totp

RFC_SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("counter", "expected"),
    list(enumerate(["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"])),
)
def test_the_codes_of_rfc_4226_appendix_d(counter: int, expected: str) -> None:
    assert totp.code(RFC_SECRET, counter) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037"),
     (20000000000, "353130")],
)  # fmt: skip
def test_the_codes_of_rfc_6238_appendix_b(seconds: int, expected: str) -> None:
    """The last six of its eight digits."""
    at = datetime.fromtimestamp(seconds, UTC)
    assert totp.code(RFC_SECRET, totp.step(at)) == expected
    assert totp.step_of(RFC_SECRET, expected, at, 0) == seconds // 30


def test_a_telephone_may_be_a_step_off_and_no_code_counts_twice() -> None:
    at = datetime.fromtimestamp(1_000_000_020, UTC)
    now = totp.step(at)
    for step in range(now - 3, now + 4):
        code = totp.code(RFC_SECRET, step)
        assert totp.step_of(RFC_SECRET, code, at, 0) == (step if abs(step - now) <= 1 else None)
        assert totp.step_of(RFC_SECRET, code, at, step) is None
    assert totp.step_of(RFC_SECRET, "", at, 0) is None


def test_an_app_is_told_the_secret_of_this_account_alone() -> None:
    made = totp.secret(b"the archive's key", "nonce")
    assert len(made) == 20 and made != totp.secret(b"the archive's key", "another") != totp.secret(b"another key", "nonce")
    address = urlsplit(totp.address(made, "ray@north", "Isocenter"))
    assert (address.scheme, address.netloc, address.path) == ("otpauth", "totp", "/Isocenter:ray%40north")
    text = parse_qs(address.query)["secret"][0]
    assert base64.b32decode(text) == made and text == totp.text_of(made)


def test_codes_for_paper_are_typed_as_people_type() -> None:
    made = {totp.new_recovery_code() for _ in range(100)}
    assert len(made) == 100 and all(len(code) == 11 for code in made)
    assert totp.plain(" ABCDE-fghij ") == "abcdefghij" and totp.plain("123 456") == "123456"
    assert totp.plain("\u00ffa \ud800\u0663") == "a"
