"""`isocenter serve` and its roles alone: `web`, `dicom`, `worker`; all of them supervised."""

import argparse

from isocenter.preflight import ROLES
from isocenter.settings import Loaded
from isocenter.supervisor import Supervisor


def _no_arguments(parser: argparse.ArgumentParser) -> None:
    """Settings are all there is to say."""


def _serve(loaded: Loaded, roles: tuple[str, ...]) -> int:
    return Supervisor(loaded.settings, roles).run()


def run_serve(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """All roles, until SIGTERM or Ctrl-C."""
    return _serve(loaded, ROLES)


def run_web(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """The web role."""
    return _serve(loaded, ("web",))


def run_dicom(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """The DICOM role."""
    return _serve(loaded, ("dicom",))


def run_worker(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """The background role."""
    return _serve(loaded, ("worker",))


arguments_serve = arguments_web = arguments_dicom = arguments_worker = _no_arguments
