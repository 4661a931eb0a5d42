"""`isocenter patient-list`: lists of patients that accounts are limited to."""

import argparse

from isocenter.commands.access import archive, needed, tell, time
from isocenter.commands.terminal import print_rows
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Missing
from isocenter.service import patient_lists
from isocenter.settings import Loaded

_COLUMNS = {"name": "LIST", "patients": "PATIENTS", "about": "ABOUT", "changed_at": "CHANGED", "actor": "BY"}


def arguments_patient_list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("verb", choices=["list", "show", "make", "add", "take-off", "remove"])
    parser.add_argument("name", nargs="?", help="the list")
    parser.add_argument("patients", nargs="*", metavar="ID[@ISSUER]", help="for make, add and take-off")
    parser.add_argument("--about", metavar="TEXT", help="for make: what it is for")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run_patient_list(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """Show lists of patients, make, change and remove them."""
    with archive(arguments, loaded) as context:
        held = {each.name: each for each in patient_lists.lists(context, SYSTEM)}
        if arguments.verb == "list":
            rows = [{"name": each.name, "patients": len(each.patients), "about": each.about, "changed_at": time(each.at),
                     "actor": each.actor} for each in held.values()]
            print_rows(rows, _COLUMNS, as_json=arguments.json)
            return 0
        name = needed(arguments.name, "the list's name").strip()
        given = [_patient(text) for text in arguments.patients]
        if arguments.verb != "make" and name not in held:
            raise Missing("there is no such list", where="name", hint="`isocenter patient-list list` shows them")
        if arguments.verb == "show":
            rows = [{"id": patient_id, "issuer": issuer} for patient_id, issuer in held[name].patients]
            print_rows(rows, {"id": "PATIENT ID", "issuer": "ISSUER"}, as_json=arguments.json)
            return 0
        if arguments.verb == "remove":
            patient_lists.remove(context, SYSTEM, name)
            tell(arguments, {"name": name}, f"{name}: removed")
            return 0
        before = [] if arguments.verb == "make" else list(held[name].patients)
        after = [each for each in before if each not in given] if arguments.verb == "take-off" else [*before, *given]
        about = arguments.about if arguments.about is not None else held[name].about if name in held else ""
        patient_lists.put(context, SYSTEM, name, after, about)
        tell(arguments, {"name": name, "patients": len(set(after))}, f"{name}: {len(set(after))} patients")
    return 0


def _patient(text: str) -> tuple[str, str]:
    """The last @ is before the issuer."""
    patient_id, at, issuer = text.rpartition("@")
    return (patient_id, issuer) if at else (text, "")
