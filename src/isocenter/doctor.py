"""`isocenter doctor`: what is unsafe or unhealthy about an installation, and how to mend it. Only looks; changes nothing.

Each check is a function from the Context to findings; a check that cannot be made is a finding itself.
"""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import Connection, func, select

from isocenter.doctor_settings import Level, examined, too_wide
from isocenter.domain.access import SYSTEM, Role
from isocenter.domain.addresses import is_loopback
from isocenter.domain.certificates import WARN_BEFORE
from isocenter.domain.errors import IsocenterError
from isocenter.operations import problems
from isocenter.service import (
    accounts,
    audit_trail,
    auditing,
    backup,
    deliveries,
    encrypting,
    journal,
    peers,
    scrubbing,
    system,
    webhooks,
)
from isocenter.service.context import Context
from isocenter.store import changes, factors, immutable
from isocenter.store.schema import change, exception, series_dirty
from isocenter.store.schema_hl7 import hl7_message

UPLOAD_WITHIN = timedelta(hours=1)
JOURNAL_WITHIN = timedelta(minutes=30)
TOKEN_UNUSED = timedelta(days=180)
WORK_WITHIN = timedelta(minutes=30)
CLOCK_MAY_DIFFER = timedelta(minutes=1)
_TAIL = 20_000  # rows of the change log whose chain is looked at; `isocenter verify --audit` looks at all


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to mend. unsafe: data may be lost, changed or read by strangers; unhealthy: something does not work."""

    level: Level
    what: str
    mend: str


def examine(context: Context) -> list[Finding]:
    """Everything that is not as it should be, the worst first."""
    found: list[Finding] = []
    for check in CHECKS:
        try:
            found += check(context)
        except IsocenterError as error:
            found.append(
                Finding(
                    "unhealthy",
                    f"{(check.__doc__ or '').rstrip('.')} could not be looked at: {error.message}",
                    error.hint or "Mend that first, and ask again.",
                )
            )
    return sorted(found, key=lambda finding: ("unsafe", "unhealthy", "advice").index(finding.level))


def _works(context: Context) -> Iterator[Finding]:
    """Database and storage."""
    for sentence in problems(context):
        yield Finding("unhealthy", sentence, "Until then senders are told to come again. Free some space, or start the database.")
    free, least = context.blobs.free_space(), context.settings.min_free_space
    if least <= free < 10 * least:
        yield Finding(
            "unhealthy",
            f"only {free / 1e9:,.1f} GB can still be stored; at {least / 1e9:,.1f} GB storing is refused",
            "Add space, or move the archive to a larger disk.",
        )


    if context.settings.write_once and (why := immutable.why_not(context.settings.blob_folder)):
        yield Finding("unsafe", f"write_once: files in {context.settings.blob_folder} cannot be made immutable: {why}",
                      "Give Isocenter CAP_LINUX_IMMUTABLE, and keep the archive on ext4, XFS or btrfs.")
    for path in (context.settings.data, context.settings.blob_folder):
        figures = os.statvfs(path)
        if figures.f_files and figures.f_favail < figures.f_files / 20:  # some file systems count none
            yield Finding("unhealthy", f"the disk of {path} has room for {figures.f_favail:,} more files only",
                          "Make room, or move to a file system with more inodes.")  # fmt: skip


def _settings(context: Context) -> Iterator[Finding]:
    """Settings."""
    for level, what, mend in examined(context.settings):
        yield Finding(level, what, mend)


def _clock(context: Context) -> Iterator[Finding]:
    """The clock."""
    now = context.clock()
    last = select(change.c.at).order_by(change.c.seq.desc()).limit(1)
    newest = context.database.read(lambda connection: connection.execute(last).scalar())
    if newest is not None and newest - now > CLOCK_MAY_DIFFER:
        yield Finding("unhealthy", f"the clock is behind: the log has a row of {newest:%Y-%m-%d %H:%M} UTC, which is to come",
                      "Let the machine follow a time server (PS3.15 A.1), all machines of the archive the same one.")  # fmt: skip
    if context.settings.embedded:
        return
    theirs = context.database.read(lambda connection: connection.execute(select(func.now())).scalar_one())
    if abs(theirs - now) > CLOCK_MAY_DIFFER:
        yield Finding("unhealthy", f"this clock and that of the database are {abs(theirs - now).total_seconds():,.0f} s apart",
                      "Let both follow the same time server (PS3.15 A.1).")  # fmt: skip


def _work(context: Context) -> Iterator[Finding]:
    """What the worker does."""
    late = context.clock() - WORK_WITHIN
    waiting = select(func.count()).select_from(series_dirty).where(series_dirty.c.due_at < late)
    if count := context.database.read(lambda connection: connection.execute(waiting).scalar_one()):
        yield Finding("unhealthy", f"{count:,} series wait for the worker since half an hour: opening them is slow",
                      "Does the worker run (isocenter serve, or isocenter worker)? Its log says what keeps it.")  # fmt: skip
    failed = select(func.count()).select_from(hl7_message).where(hl7_message.c.state == "failed")
    if count := context.database.read(lambda connection: connection.execute(failed).scalar_one()):
        yield Finding("advice", f"{count:,} HL7 messages could not be done", "Mend and replay them: the page HL7 messages.")


def _network(context: Context) -> Iterator[Finding]:
    """What can be reached from other machines."""
    settings = context.settings
    if not settings.dicom.is_loopback:
        yield Finding(
            "unsafe",
            f"DICOM on {settings.dicom} is in clear text: images and names can be read on the way",
            "Give --dicom-tls with a certificate, and let --dicom listen on 127.0.0.1 when all peers speak TLS.",
        )
    if settings.hl7 is not None and not settings.hl7.is_loopback:
        yield Finding("unsafe", f"HL7 on {settings.hl7} is in clear text", "Give --hl7-tls, and let --hl7 listen on 127.0.0.1.")
    for port, pair in (("DICOM", settings.dicom_certificate if settings.dicom_tls else None), ("HTTPS", (settings.tls_cert,))):
        if (end := system.certificate_end(pair)) is not None and end - context.clock() < WARN_BEFORE:
            level: Level = "unsafe" if end < context.clock() else "unhealthy"
            yield Finding(level, f"the certificate of {port} ends on {end:%Y-%m-%d}", "Renew it; the new file is read by itself.")
    known = peers.peers(context, SYSTEM)
    for peer in known:
        for network in too_wide(peer.allowed_ips):
            yield Finding("unsafe", f"the peer {peer.aet} may call from {network}: whoever says its name is it",
                          f"isocenter peer change {peer.aet} --allow ADDRESS, for each of its own")  # fmt: skip
    for webhook in webhooks.all_(context, SYSTEM):
        if webhook.url.startswith("http://") and webhook.enabled and not is_loopback(urlsplit(webhook.url).hostname or ""):
            yield Finding("unsafe", f"the webhook {webhook.name} is told in clear text",
                          "Give its receiver TLS, and it an https URL.")  # fmt: skip
    if settings.dicom_tls is None:
        return
    for peer in known:
        if not peer.tls:
            yield Finding("advice", f"the peer {peer.aet} is called without TLS", f"isocenter peer change {peer.aet} --tls")


def _files(context: Context) -> Iterator[Finding]:
    """The data folder."""
    for path in (context.settings.data, context.settings.blob_folder):
        mode = path.stat().st_mode
        if mode & stat.S_IWOTH:
            yield Finding("unsafe", f"everybody on this machine may write to {path}", f"chmod o-rwx {path}")
        elif mode & (stat.S_IROTH | stat.S_IXOTH):
            yield Finding(
                "unsafe", f"everybody on this machine may look into {path}, where patients' images are", f"chmod o-rwx {path}"
            )
    if os.geteuid() == 0:
        yield Finding(
            "advice", "this runs as root, which it has no need of", "Run it as a user of its own: deploy/isocenter.service."
        )


def _people(context: Context) -> Iterator[Finding]:
    """Accounts and tokens."""
    users = [user for user in accounts.users(context, SYSTEM) if not user.disabled]
    if [user.name for user in users] == ["admin"]:
        yield Finding(
            "advice", "everybody works as admin: the log cannot tell who saw what", "isocenter user add NAME --role radiologist"
        )
    def alone(connection: Connection) -> list[str]:
        held = ((user.name, factors.of(connection, user.id)) for user in users if user.role == Role.ADMIN)
        return [name for name, factor in held if factor is None or factor.confirmed_at is None]

    single = context.database.read(alone)
    if single:
        yield Finding("advice", f"administrators sign in with a password alone: {', '.join(single)}",
                      "A second step: each in the own account, docs/login.md")  # fmt: skip
    for token in accounts.tokens(context, SYSTEM):
        if token.expires_at is None and context.clock() - (token.used_at or token.created_at) > TOKEN_UNUSED:
            yield Finding(
                "unsafe",
                f"the token {token.name} of {token.account_name} never ends and was not used for half a year",
                f"isocenter token revoke {token.id}",
            )


def _backups(context: Context) -> Iterator[Finding]:
    """Backups."""
    state = backup.state(context, SYSTEM)
    mend = "isocenter backup FOLDER, every day, or the setting backup: docs/recovery.md"
    if state.made_at is None:
        yield Finding("unsafe", "no backup was ever made", mend)
    elif state.late:
        yield Finding("unsafe", f"the last backup is of {state.made_at:%Y-%m-%d}", mend)
    elif state.faults:
        yield Finding(
            "unsafe", "the last backup could not have every file", "isocenter verify tells which are damaged or missing."
        )
    if state.failing_since is not None:
        when = f"{state.failing_since:%Y-%m-%d %H:%M} UTC"
        yield Finding("unsafe", f"the backup to {state.place} fails since {when}: {state.reason}", "It is tried again by itself.")


def _kept(context: Context) -> Iterator[Finding]:
    """What the rounds over all files found."""
    health = scrubbing.health(context, SYSTEM)
    if health.damaged:
        mend = "Put them back from a backup (docs/recovery.md), or name a second storage: the setting replica."
        many = "1 file is" if health.damaged == 1 else f"{health.damaged:,} files are"
        yield Finding("unsafe", f"{many} missing or damaged", mend)
    if not context.settings.replica:
        yield Finding("advice", "there is no second storage: a damaged file can only be put back by hand", "The setting replica.")
    elif health.replica is not None and health.replica.reason:
        yield Finding("unhealthy", f"the second storage gets no copies: {health.replica.reason}", "Is it there, and not full?")
    if not context.settings.encryption_key:
        mend = "The setting encryption_key, or a disk that is encrypted: docs/encryption.md"
        yield Finding("advice", "images are stored in clear: who takes the disk has them", mend)
    if not context.settings.scrub_rate:
        yield Finding("advice", "nobody looks whether files decay", "Set scrub_rate above 0.")


def _log(context: Context) -> Iterator[Finding]:
    """The chain of the change log."""
    newest = context.database.read(changes.latest)
    audit = auditing.look(context, since=max(0, newest - _TAIL))
    if not audit.is_sound:
        row = min([*audit.broken, *audit.unchained])
        yield Finding(
            "unsafe", f"the change log is not as it was written, from row {row} on", "isocenter verify --audit names every row."
        )


def _renewals(context: Context) -> Iterator[Finding]:
    """Files on their way under another key."""
    for each in encrypting.renewals(context, SYSTEM):
        if encrypting.is_stopped(context, each):
            where = f" of {each.place}" if each.place else ""
            yield Finding("unhealthy", f"bringing the files{where} under another key was broken off at {each.files:,} of "
                                       f"{each.expected:,}", "isocenter encryption renew goes on where it was.")


def _anchors(context: Context) -> Iterator[Finding]:
    """The notes of the log's head outside."""
    state = auditing.state(context, SYSTEM)
    if not state.places and context.settings.audit_syslog is None:
        mend = "Name a place outside, best one where nothing can be changed: the setting audit_anchor"
        yield Finding("advice", "the head of the change log is noted nowhere else: its end could be cut off unseen", mend)
    elif state.failing_since is not None:
        since = f"{state.failing_since:%Y-%m-%d %H:%M} UTC"
        yield Finding("unhealthy", f"the head of the change log is not noted since {since}: {state.reason}",
                      "Are the places of audit_anchor there and writable?")


def _collector(context: Context) -> Iterator[Finding]:
    """The audit collector."""
    told = audit_trail.collector(context)
    if told is not None and told.failing_since is not None:
        yield Finding(
            "unhealthy",
            f"the audit collector {told.collector} is not told since {told.failing_since:%Y-%m-%d %H:%M} UTC: {told.last_reason}",
            "Does it listen, and is its certificate one that audit_syslog_ca signed? Nothing is lost meanwhile.",
        )


def _journal(context: Context) -> Iterator[Finding]:
    """The journal beside the files."""
    state = journal.state(context)
    if state.since is not None and context.clock() - state.since > JOURNAL_WITHIN:
        reason = f": {state.reason}" if state.reason else ", nor does a worker try"
        yield Finding(
            "unhealthy", f"since {state.since:%Y-%m-%d %H:%M} UTC {state.behind:,} changes are not in the journal{reason}",
            "Until they are, only the database has them. Does the worker run, and can it write to the storage?")


def _queues(context: Context) -> Iterator[Finding]:
    """What waits for somebody."""
    _, given_up = deliveries.figures(context)
    if given_up:
        yield Finding(
            "unhealthy",
            f"{given_up:,} deliveries were given up",
            "isocenter delivery list --state failed; isocenter delivery resend",
        )
    not_told, put_aside = webhooks.figures(context)
    if not_told or put_aside:
        yield Finding(
            "unhealthy", f"{not_told:,} webhooks are not reached, {put_aside:,} messages were put aside", "isocenter webhook list"
        )
    if context.settings.bucket is not None:
        waiting, oldest = system.uploads(context)
        if oldest > UPLOAD_WITHIN.total_seconds():
            yield Finding(
                "unsafe",
                f"{waiting:,} objects are on one disk only, one for {oldest / 3600:,.0f} h",
                "Does the object store answer, and does their node run? isocenter uploads",
            )
    count = context.database.read(lambda connection: connection.execute(select(func.count()).select_from(exception)).scalar_one())
    if count:
        yield Finding("advice", f"{count:,} exceptions wait for a person", "Look at the page Exceptions.")


CHECKS: tuple[Callable[[Context], Iterator[Finding]], ...] = (
    _works, _settings, _clock, _work, _network, _files, _people, _backups, _kept, _log, _renewals, _anchors, _collector, _journal,
    _queues,
)  # fmt: skip
