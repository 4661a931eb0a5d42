"""`isocenter demo`: a newcomer sees the product in a minute."""

import argparse

from isocenter.commands.terminal import Progress
from isocenter.demo import sending
from isocenter.domain.errors import Broken
from isocenter.settings import BY_NAME, Loaded
from isocenter.supervisor import local


def arguments_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", metavar="HOST", help="where the server listens for DICOM (default: as the setting dicom says)")
    parser.add_argument("--port", type=int, metavar="PORT", help="its DICOM port (default: as the setting dicom says)")


def run_demo(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """Send the demonstration to a running server; a second time changes nothing."""
    settings = loaded.settings
    host, port = arguments.host or local(settings.dicom.host), arguments.port or settings.dicom.port
    counts: dict[str, int] = {}
    try:
        with Progress("demo", "objects", sending.total()) as progress:
            for sent in sending.send(host, port, settings.aet):
                counts[sent.title] = counts.get(sent.title, 0) + 1
                progress.advance()
    except Broken as error:
        if not counts:
            error.hint = f"is `isocenter serve` running with --dicom {host}:{port}?"
        raise
    for title, count in counts.items():
        print(f"{count:4} {title}")
    # Only of a server with the settings that we see is it known where its web client is.
    usual = (host, port) == (local(settings.dicom.host), settings.dicom.port) and settings.dicom == BY_NAME["dicom"].default
    look = f"Have a look at {settings.url}/" if usual else "Have a look at its study list."
    print(f"{sum(counts.values()):4} objects sent to {settings.aet} at {host}:{port}. {look}")
    return 0
