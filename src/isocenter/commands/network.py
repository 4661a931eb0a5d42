"""`isocenter send`, `query`, `retrieve`: studies to and from other archives, in the foreground and beside a running server."""

import argparse
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any

from isocenter import app
from isocenter.commands.terminal import Progress, print_json, print_rows
from isocenter.dicom.attributes import Level
from isocenter.dimse import querying
from isocenter.dimse import sending as network
from isocenter.dimse.querying import Retrieved, Wanted
from isocenter.dimse.sending import Sent
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Invalid, Missing
from isocenter.preflight import need_archive, prepare_folder
from isocenter.service import peers, remote, sending
from isocenter.settings import Loaded

LEVELS = {level.name.lower(): level for level in Level}

# Columns of a table of answers; --json has everything.
COLUMNS: Mapping[Level, Mapping[str, str]] = {
    Level.PATIENT: {"PatientName": "NAME", "PatientID": "PATIENT ID", "PatientBirthDate": "BORN", "PatientSex": "SEX",
                    "NumberOfPatientRelatedStudies": "STUDIES"},
    Level.STUDY: {"PatientName": "NAME", "PatientID": "PATIENT ID", "StudyDate": "DATE", "ModalitiesInStudy": "MODALITIES",
                  "StudyDescription": "DESCRIPTION", "AccessionNumber": "ACCESSION", "NumberOfStudyRelatedInstances": "IMAGES",
                  "StudyInstanceUID": "STUDY INSTANCE UID"},
    Level.SERIES: {"SeriesNumber": "NUMBER", "Modality": "MODALITY", "SeriesDescription": "DESCRIPTION",
                   "NumberOfSeriesRelatedInstances": "IMAGES", "SeriesInstanceUID": "SERIES INSTANCE UID"},
    Level.INSTANCE: {"InstanceNumber": "NUMBER", "SOPClassUID": "SOP CLASS UID", "SOPInstanceUID": "SOP INSTANCE UID"},
}


def _arguments_chosen(parser: argparse.ArgumentParser, verb: str) -> None:
    parser.add_argument("peer_aet", metavar="AET", help="a known peer; `isocenter peer list` shows them")
    for name, metavar in (("study", "UID"), ("series", "UID"), ("instance", "UID")):
        parser.add_argument(f"--{name}", action="append", default=[], metavar=metavar, dest=f"{name}_uids",
                            help=f"a {name} that is to be {verb} (may be given again)")
    parser.add_argument("--json", action="store_true", help="as JSON")


def arguments_send(parser: argparse.ArgumentParser) -> None:
    _arguments_chosen(parser, "sent")
    parser.add_argument("--patient", action="append", default=[], metavar="ID", dest="patient_ids",
                        help="a patient all of whose studies are to be sent (may be given again)")


def run_send(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """Send what is here to a peer; exit code 1 when one instance did not arrive."""
    need_archive(loaded.settings)
    told: list[Sent] = []
    with app.opened(loaded.settings) as context:
        peer = peers.get(context, arguments.peer_aet)
        stored = sending.chosen(
            context, SYSTEM, studies=arguments.study_uids, series=arguments.series_uids, instances=arguments.instance_uids,
            patients=arguments.patient_ids, to=peer.aet,
        )  # fmt: skip
        if not stored:
            raise Missing("there is nothing of that here", hint="`isocenter query` asks others, this sends what is stored here")
        with Progress("send", "instances", len(stored), quiet=arguments.json) as progress:

            def on_sent(sent: Sent) -> None:
                told.append(sent)
                progress.advance()

            network.send(context, peer, stored, on_sent=on_sent)
    _report_sent(told, peer.aet, arguments.json)
    return 0 if all(sent.ok for sent in told) else 1


def _report_sent(told: list[Sent], aet: str, as_json: bool) -> None:
    counts = {"sent": sum(sent.ok for sent in told), "failed": sum(not sent.ok for sent in told)}
    if as_json:
        facts = [{"SOPInstanceUID": sent.stored.sop_instance_uid, "ok": sent.ok, "status": f"{sent.status:04X}",
                  "reason": sent.reason} for sent in told]
        print_json({"aet": aet, **counts, "instances": facts})
        return
    for (status, reason), number in Counter((sent.status, sent.reason) for sent in told if sent.reason).items():
        print(f"{status:04X} {reason}  ({number} instance{'s' if number > 1 else ''})", file=sys.stderr)
    failed = f", {counts['failed']:,} failed" if counts["failed"] else ""
    print(f"{counts['sent']:,} sent to {aet}{failed}")


def arguments_query(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("peer_aet", metavar="AET", help="a known peer; `isocenter peer list` shows them")
    parser.add_argument("-k", "--key", action="append", default=[], metavar="KEYWORD=VALUE", dest="keys",
                        help="what is looked for, -k PatientName='MUELLER*' -k StudyDate=20260101-; without a value it is shown")
    parser.add_argument("--level", choices=list(LEVELS), default="study", help="what is listed (default %(default)s)")
    parser.add_argument("--limit", type=int, default=200, metavar="N",
                        help="stop after so many, 0: never (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="as JSON, with every value that was answered")


def run_query(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """Ask a peer what it has (C-FIND)."""
    need_archive(loaded.settings)
    level, keys = LEVELS[arguments.level], _keys(arguments.keys)
    with app.opened(loaded.settings) as context:
        peer = remote.searching(context, SYSTEM, arguments.peer_aet, (keyword for keyword, value in keys.items() if value))
        rows = list(querying.find(context, peer, level, keys, limit=max(0, arguments.limit)))
    asked = {keyword: keyword for keyword in keys if keyword not in COLUMNS[level] and not keyword.endswith("InstanceUID")}
    columns = {**COLUMNS[level], **asked}
    shown = rows if arguments.json else [dict.fromkeys(columns) | row for row in rows]
    print_rows(shown, columns, as_json=arguments.json)
    if arguments.limit and len(rows) == arguments.limit:
        print(f"the first {arguments.limit}; there may be more (--limit)", file=sys.stderr)
    return 0


def _keys(words: list[str]) -> dict[str, str]:
    return {keyword: value for keyword, _, value in (word.partition("=") for word in words)}


def arguments_retrieve(parser: argparse.ArgumentParser) -> None:
    _arguments_chosen(parser, "fetched")
    parser.add_argument("--how", choices=["auto", "move", "get"], default="auto",
                        help="move: it sends to our AE title and address, where the server must run; get: on the same "
                        "association; auto: move, and get when it cannot or does not know us (default %(default)s)")


def run_retrieve(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """Fetch studies from a peer (C-MOVE or C-GET); exit code 1 when something did not come."""
    wanted = _wanted(arguments)
    need_archive(loaded.settings)
    prepare_folder(loaded.settings)
    with app.opened(loaded.settings) as context:
        peer = remote.fetching(context, SYSTEM, arguments.peer_aet, (each.study for each in wanted))
        with Progress("retrieve", "instances", quiet=arguments.json) as progress:

            def on_progress(now: querying.Progress) -> None:
                done = now.completed + now.failed + now.warning
                progress.expect(done + (now.remaining or 0))
                progress.advance(done - progress.done)

            got = querying.retrieve(context, SYSTEM, peer, wanted, how=arguments.how, on_progress=on_progress)
    _report_retrieved(got, peer.aet, arguments.json)
    return 0 if got.ok else 1


def _wanted(arguments: argparse.Namespace) -> list[Wanted]:
    """What is asked for: whole studies, or series of one study, or instances of one series."""
    studies, series, instances = arguments.study_uids, arguments.series_uids, arguments.instance_uids
    if not studies or (series and len(studies) > 1) or (instances and len(series) != 1):
        raise Invalid("which studies are to be fetched is not said",
                      hint="--study UID ..., or --study UID --series UID ..., or --study UID --series UID --instance UID ...")
    if instances:
        return [Wanted(studies[0], series[0], instance) for instance in instances]
    if series:
        return [Wanted(studies[0], each) for each in series]
    return [Wanted(study) for study in studies]


def _report_retrieved(got: Retrieved, aet: str, as_json: bool) -> None:
    facts: dict[str, Any] = {
        "aet": aet, "ok": got.ok, "how": f"C-{got.how.upper()}", "status": f"{got.status:04X}", "reason": got.reason,
        "completed": got.completed, "failed": got.failed, "warning": got.warning, "failed_uids": list(got.failed_uids),
    }  # fmt: skip
    if as_json:
        print_json(facts)
        return
    if not got.ok:
        print(f"{facts['status']} {got.reason}", file=sys.stderr)
    came = got.completed + got.warning
    print(f"{came:,} fetched from {aet} by {facts['how']}" + (f", {got.failed:,} failed" if got.failed else ""))
