"""Verification service class: C-ECHO (PS3.4 Annex A, PS3.7 9.1.5)."""

from isocenter.dimse import messages, status
from isocenter.dimse.dispatch import Drain, Operation, Request

VERIFICATION = "1.2.840.10008.1.1"


def echo(request: Request) -> Operation:
    """The handler of C-ECHO-RQ: Success."""
    return Drain(request, messages.response(request.command, status.SUCCESS))
