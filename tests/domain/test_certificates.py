"""The end of a certificate, as openssl writes it in either form."""

import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.domain.certificates import not_after


def made(folder: Path, days: int, *options: str) -> str:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=x"]
    subprocess.run([*command, "-days", str(days), *options, "-keyout", folder / "key", "-out", folder / "crt"],
                   check=True, capture_output=True)  # fmt: skip
    return (folder / "crt").read_text()


@pytest.mark.parametrize("days", [2, 400, 365 * 40])  # after 2049 the time has four digits of the year
def test_the_end_is_as_openssl_was_told(tmp_path: Path, days: int) -> None:
    pem = made(tmp_path, days)
    assert abs(not_after("a comment\n" + pem) - (datetime.now(UTC) + timedelta(days=days))) < timedelta(minutes=5)


EMPTY = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("text", ["", EMPTY, "-----END CERTIFICATE-----"])
def test_what_is_no_certificate(text: str) -> None:
    with pytest.raises(ValueError):
        not_after(text)


@given(st.binary(min_size=1, max_size=80))
def test_any_bytes_are_a_certificate_or_an_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        not_after(ssl.DER_cert_to_PEM_cert(data))
