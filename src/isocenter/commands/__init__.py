"""The commands of the command line: one row each. What a command imports beyond this is imported when it runs."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from isocenter.settings import Loaded


@dataclass(frozen=True, slots=True)
class Command:
    """name: what is typed; help: the sentence about it; place: "module:stem" with functions arguments_STEM and run_STEM."""

    name: str
    help: str
    place: str

    def _function(self, kind: str) -> Callable[..., int]:
        module, stem = self.place.split(":")
        return getattr(import_module(f"isocenter.commands.{module}"), f"{kind}_{stem}")  # type: ignore[no-any-return]

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's own arguments."""
        self._function("arguments")(parser)

    def run(self, arguments: argparse.Namespace, loaded: Loaded) -> int:
        """Do it; the exit code."""
        return self._function("run")(arguments, loaded)


COMMANDS = (
    Command("serve", "run the whole PACS: web client, DICOM, DICOMweb, background work", "serving:serve"),
    Command("web", "run the web role alone: web client, DICOMweb, API", "serving:web"),
    Command("dicom", "run the DICOM role alone", "serving:dicom"),
    Command("hl7", "run the HL7 v2 role alone", "serving:hl7"),
    Command("worker", "run the background role alone", "serving:worker"),
    Command("import", "store files, folders, ZIP archives and DICOMDIRs", "archive:import"),
    Command("demo", "send a small set of generated studies to a running server", "demonstration:demo"),
    Command("user", "accounts: add, list, disable, enable, password, limit", "access:user"),
    Command("token", "bearer tokens for programs: create, list, revoke", "access:token"),
    Command("share", "links for people without an account: create, list, code, withdraw, history", "shares:share"),
    Command("order", "orders: add, list, show, cancel, remove", "orders:order"),
    Command("message", "HL7 messages that came in: list, show, replay", "messages:message"),
    Command("peer", "known DICOM peers: add, change, list, remove, and echo: is it there", "peers:peer"),
    Command("destination", "where images may be sent: add, change, list, remove, pause, resume", "routing:destination"),
    Command("route", "rules that send images on: add, change, list, remove, try on what came last", "routing:route"),
    Command("delivery", "what is being sent: list, show, resend, cancel", "routing:delivery"),
    Command("webhook", "who is told of changes: add, change, list, remove, pause, resume, secret, test, failures, resend, forget",
            "webhooks:webhook"),
    Command("project", "de-identification: list, show, add, change, close, open projects; export studies by one",
            "projects:project"),
    Command("rejection", "rejected objects: list, show, make, restore, delete, keep; hold and release studies",
            "rejections:rejection"),
    Command("emergency", "emergency access: who opened what, what was looked at, review", "emergency:emergency"),
    Command("patient-list", "lists of patients that accounts are limited to: list, show, make, add, take-off, remove",
            "patient_lists:patient_list"),
    Command("sensitive", "studies and patients that only few may see: list, mark, release", "sensitive:sensitive"),
    Command("send", "send studies to a known peer (C-STORE)", "network:send"),
    Command("query", "ask a known peer what it has (C-FIND)", "network:query"),
    Command("retrieve", "fetch studies from a known peer (C-MOVE, C-GET)", "network:retrieve"),
    Command("commitment", "what other archives were asked to keep: list, ask", "commitments:commitment"),
    Command("index", "attributes that the settings declare to be indexed: list and progress, again", "index:index"),
    Command("uploads", "what nodes have not copied into the object store yet: list, forget a lost node", "uploads:uploads"),
    Command("audit", "who did what to whom: search the change log; as FHIR AuditEvents, as DICOM audit messages", "audit:audit"),
    Command("verify", "compare index, files and SHA-256", "archive:verify"),
    Command("backup", "take a snapshot of index and files while everything runs; list those there are", "backups:backup"),
    Command("restore", "bring a snapshot into an empty archive", "backups:restore"),
    Command("drill", "restore a backup into a sandbox, compare with what is held, and write a signed report", "backups:drill"),
    Command("doctor", "look at this installation: what is unsafe or unhealthy, and how to mend it", "configuration:doctor"),
    Command("copies", "HTJ2K copies for viewing: status, make those of everything held already", "copies:copies"),
    Command("encryption", "encryption at rest: which files are under which key; bring all under the current one",
            "encryption:encryption"),
    Command("reindex", "rebuild the index from the files alone", "archive:reindex"),
    Command("conformance", "print the DICOM conformance statement", "configuration:conformance"),
    Command("permissions", "print which role may do what, and what each request needs", "permissions:permissions"),
    Command("settings", "show the effective settings and where each comes from", "configuration:settings"),
    Command("version", "show the version", "configuration:version"),
)
