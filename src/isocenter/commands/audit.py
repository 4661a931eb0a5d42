"""`isocenter audit`: who did what to whom. Works beside a running server."""

import argparse
import sys
from typing import Any

from isocenter import app
from isocenter.commands.terminal import print_json, print_rows
from isocenter.domain.access import SYSTEM
from isocenter.domain.audit import Described, audit_xml, fhir_audit
from isocenter.preflight import need_archive
from isocenter.service import audit_trail, changes
from isocenter.service.audit_trail import Search
from isocenter.settings import Loaded

_COLUMNS = {"seq": "ROW", "at": "TIME", "event": "EVENT", "kind": "KIND", "actor": "WHO", "address": "FROM", "patient": "PATIENT",
            "subject": "ABOUT"}


def arguments_audit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--patient", metavar="ID", help="a Patient ID: who saw this patient's images")
    parser.add_argument("--issuer", help="its issuer; without it patients of every issuer")
    parser.add_argument("--study", metavar="UID", help="a Study Instance UID")
    parser.add_argument("--user", metavar="NAME", help="an account, or the AE title of a peer")
    parser.add_argument("--kind", default="", metavar="KIND,...", help="study.read, order.*")
    parser.add_argument("--from", dest="since", metavar="DATE", help="2026-11-23, or with a time")
    parser.add_argument("--to", dest="until", metavar="DATE", help="up to and with this date, or before a time")
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="the latest N (default 100)")
    parser.add_argument("--format", choices=["table", "json", "fhir", "dicom"], default="table",
                        help="fhir: R4 AuditEvents, dicom: audit messages (PS3.15 A.5), one a line")


def run_audit(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """Search the change log."""
    need_archive(loaded.settings)
    wanted = Search(
        arguments.patient, arguments.issuer, arguments.study, arguments.user,
        changes.kinds_of(arguments.kind) if arguments.kind else None,
        audit_trail.moment(arguments.since, "--from", None), audit_trail.moment(arguments.until, "--to", None, end=True),
    )  # fmt: skip
    with app.opened(loaded.settings) as context:
        found = audit_trail.search(context, SYSTEM, wanted, max(1, arguments.limit))
        kept_by = audit_trail.archive(context)
    if arguments.format == "dicom":
        for event in found:
            sys.stdout.write(audit_xml(event, kept_by).decode().split("?>", 1)[1].strip() + "\n")
    elif arguments.format == "fhir":
        print_json({"resourceType": "Bundle", "type": "collection",
                    "entry": [{"resource": fhir_audit(event, kept_by)} for event in found]})
    else:
        print_rows([_row(event) for event in found], _COLUMNS, as_json=arguments.format == "json")
    return 0


def _row(event: Described) -> dict[str, Any]:
    row = event.entry
    return {
        "seq": row.seq, "at": row.at.astimezone().isoformat(" ", "seconds"), "event": event.family.event.meaning,
        "kind": row.kind, "actor": row.actor, "address": event.participants[0].address,
        "patient": row.patient.get("PatientID", ""), "subject": row.subject,
    }  # fmt: skip
