"""`isocenter serve` and its roles alone: `web`, `dicom`, `hl7`, `worker`; all of them supervised."""

import argparse

from isocenter import tenants
from isocenter.preflight import ROLES
from isocenter.settings import Loaded
from isocenter.supervisor import Supervisor


def _no_arguments(parser: argparse.ArgumentParser) -> None:
    """Settings are all there is to say."""


def _serve(loaded: Loaded, roles: tuple[str, ...]) -> int:
    return Supervisor(loaded.settings, roles).run()


def run_serve(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """All roles, until SIGTERM or Ctrl-C."""
    parts = tenants.archives(loaded.settings).values()
    hl7 = any(part.hl7 or part.hl7_tls for part in parts)
    return _serve(loaded, ROLES if hl7 else tuple(role for role in ROLES if role != "hl7"))


def run_web(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """The web role."""
    return _serve(loaded, ("web",))


def run_dicom(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """The DICOM role."""
    return _serve(loaded, ("dicom",))


def run_worker(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """The background role."""
    return _serve(loaded, ("worker",))


def run_hl7(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """The HL7 role."""
    return _serve(loaded, ("hl7",))


arguments_serve = arguments_web = arguments_dicom = arguments_hl7 = arguments_worker = _no_arguments
