"""`isocenter sensitive`: studies and patients that only few may see."""

import argparse

from isocenter.commands.access import archive, needed, tell, time
from isocenter.commands.terminal import print_rows
from isocenter.domain.access import SYSTEM
from isocenter.service import sensitive
from isocenter.settings import Loaded

_COLUMNS = {"study": "STUDY", "patient": "PATIENT ID", "issuer": "ISSUER", "at": "AT", "actor": "BY", "reason": "REASON"}


def arguments_sensitive(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("verb", choices=["list", "mark", "release"])
    parser.add_argument("study", nargs="?", metavar="UID", help="for mark and release: the Study Instance UID")
    parser.add_argument("--patient", action="store_true", help="the patient whose study it is, with all studies")
    parser.add_argument("--reason", metavar="TEXT", help="for mark and release: why, for the log")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run_sensitive(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """List marks, set them, take them off."""
    with archive(arguments, loaded) as context:
        if arguments.verb == "list":
            rows = [{"study": each.study_instance_uid, "patient": each.patient_id, "issuer": each.issuer_of_patient_id,
                     "at": time(each.at), "actor": each.actor, "reason": each.reason}
                    for each in sensitive.marked(context, SYSTEM)]  # fmt: skip
            print_rows(rows, _COLUMNS, as_json=arguments.json)
            return 0
        study, reason = needed(arguments.study, "the study's UID"), arguments.reason or ""
        act = sensitive.mark if arguments.verb == "mark" else sensitive.release
        act(context, SYSTEM, study, reason, patient=arguments.patient)
        what = "the patient of this study" if arguments.patient else "the study"
        said = "is sensitive now" if arguments.verb == "mark" else "is sensitive no more"
        tell(arguments, {"study": study, "patient": arguments.patient}, f"{study}: {what} {said}")
    return 0
