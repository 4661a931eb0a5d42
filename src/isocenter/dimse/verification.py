"""Verification service class: C-ECHO (PS3.4 Annex A, PS3.7 9.1.5)."""

from isocenter.dimse import status
from isocenter.dimse.exchange import Exchange


def echo(exchange: Exchange) -> None:
    """The handler of C-ECHO-RQ: Success."""
    exchange.answer(status.SUCCESS)
