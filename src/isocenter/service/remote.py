"""Other archives: searched, and fetched from. What is fetched is a row before the answer, and a worker's from then on.

Searching is a C-FIND that a person waits for (`Context.seek`); fetching takes minutes and outlives the process that was asked.
An archive that is marked "fetch" is also asked when somebody wants a study that is not here.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection

from isocenter.dicom import uid
from isocenter.dicom.attributes import BY_KEYWORD, Level
from isocenter.dicom.match import Range, Single
from isocenter.dicom.query import InvalidKey, parse_match
from isocenter.domain import access
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Away, Forbidden, Invalid, IsocenterError, Missing
from isocenter.domain.events import Event
from isocenter.domain.retrieval import AskedWhen, State, Tally, Verdict, broke_off
from isocenter.service.context import Context, Row
from isocenter.store import changes, imaging, sensitive
from isocenter.store import peers as peer_rows
from isocenter.store import retrievals as rows
from isocenter.store.peers import Peer
from isocenter.store.retrievals import Retrieval

__all__ = [
    "RETURNED", "SEARCHED_BY", "Elsewhere", "Found", "RemoteStudy", "Retrieval", "Silent", "archives", "ask", "cancel",
    "elsewhere", "fetch", "fetching", "forget", "get", "is_due", "retrievals", "search", "searching", "work",
]  # fmt: skip

log = logging.getLogger(__name__)

# Answers of one search: more nobody reads, and a person narrows the search instead.
MOST_STUDIES = 200
LEASE = timedelta(minutes=2)
# Ended retrievals stay in the list for so long.
KEPT = timedelta(days=14)

# What a study is asked by, and what is asked of each that is found (PS3.4 C.6.2.1.2).
SEARCHED_BY = ("PatientName", "PatientID", "AccessionNumber", "StudyDate", "ModalitiesInStudy", "StudyDescription",
               "ReferringPhysicianName", "StudyInstanceUID")  # fmt: skip
RETURNED = (*SEARCHED_BY, "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "StudyTime", "InstitutionName",
            "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances")  # fmt: skip
_BEGINNINGS = ("PatientName", "ReferringPhysicianName")
_ANYWHERE = ("StudyDescription",)


@dataclass(frozen=True, slots=True)
class RemoteStudy:
    """A study as another archive tells it. here: how many instances of it are here; None: no such study."""

    peer_aet: str
    values: Row
    here: int | None
    retrieval: Retrieval | None


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found; is_limited: there is more."""

    studies: list[RemoteStudy]
    is_limited: bool


@dataclass(frozen=True, slots=True)
class Silent:
    """An archive that could not be asked, and why."""

    peer_aet: str
    reason: str


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A patient's studies in the archives that are asked by themselves, without those that are here."""

    studies: list[RemoteStudy]
    silent: list[Silent]


def archives(context: Context, principal: Principal) -> list[Peer]:
    """The peers that are archives, by AE title."""
    access.require(principal, Permission.REMOTE_QUERY)
    return [peer for peer in context.database.read(peer_rows.peers) if peer.archive]


def search(context: Context, principal: Principal, aet: str, keys: Mapping[str, str]) -> Found:
    """Studies of an archive. keys: what a person typed, of SEARCHED_BY; names match from their beginning, modalities any of
    a comma list. Waits for the archive. Raises Invalid (nothing to search by), Missing (no such archive), what became of asking.
    """
    access.require(principal, Permission.REMOTE_QUERY)
    asked = {keyword: text.strip() for keyword, text in keys.items() if text.strip()}
    if not asked:
        raise Invalid("there is nothing to search by", hint="Type a name, an ID or an accession number, or choose a date.")
    peer = _archive(context, aet)
    found = _seek(context, principal, peer, asked)
    studies = [row for row in found[:MOST_STUDIES] if _has_modality(row, asked.get("ModalitiesInStudy", ""))]
    studies.sort(key=lambda row: (row["StudyDate"], row["StudyTime"]), reverse=True)
    return Found(_told(context, principal, peer, studies), len(found) > MOST_STUDIES)


def searching(context: Context, principal: Principal, aet: str, keys: Iterable[str]) -> Peer:
    """A known peer that the caller is about to ask by C-FIND, by these keywords: a row says so first. Raises Missing."""
    access.require(principal, Permission.REMOTE_QUERY)
    peer = _peer(context, aet)
    asked = sorted(keys)
    told: dict[str, object] = {"keys": asked, "peer": peer.aet}
    context.accesses.note(context.database, principal, Event.REMOTE_SEARCHED, f"{peer.aet}?{'&'.join(asked)}", told)
    return peer


def fetching(context: Context, principal: Principal, aet: str, studies: Iterable[str]) -> Peer:
    """A known peer that the caller is about to fetch from, waiting for it: a row for each study says so first. Raises Missing."""
    access.require(principal, Permission.REMOTE_RETRIEVE)
    peer = _peer(context, aet)
    payload = {"peer": peer.aet, "via": principal.via, "address": principal.address}

    def write(connection: Connection) -> None:
        for study in dict.fromkeys(studies):
            changes.append(connection, Event.RETRIEVAL_ASKED, study, principal.name, payload)

    context.database.write(write)
    return peer


def _peer(context: Context, aet: str) -> Peer:
    peer = context.database.read(partial(peer_rows.peer, aet=aet.strip()))
    if peer is None:
        raise Missing("there is no such peer", where="aet", hint="isocenter peer list shows those that are known")
    return peer


def ask(context: Context, principal: Principal, aet: str, study: str, series: str = "") -> Retrieval:
    """Have a study (or one series of it) fetched; durable when it returns. Raises Invalid, Missing."""
    access.require(principal, Permission.REMOTE_RETRIEVE)
    if not uid.is_usable(study) or (series and not uid.is_usable(series)):
        raise Invalid("it is no UID", where="SeriesInstanceUID" if uid.is_usable(study) else "StudyInstanceUID")
    return _ask(context, principal, _archive(context, aet), study, series)


def retrievals(context: Context, principal: Principal, *, limit: int, study: str = "") -> list[Retrieval]:
    """What was asked for lately, the newest first; with `study`, of this one only."""
    access.require(principal, Permission.REMOTE_RETRIEVE)
    scope = access.scope(principal, Permission.REMOTE_RETRIEVE)
    return context.database.read(partial(rows.newest, limit=limit, scope=scope, studies=[study] if study else []))


def cancel(context: Context, principal: Principal, retrieval_id: int) -> None:
    """What has not come yet need not come. Raises Missing when there is nothing under way."""
    access.require(principal, Permission.REMOTE_RETRIEVE)
    now = context.clock()

    def write(connection: Connection) -> bool:
        _seen(connection, principal, retrieval_id)
        told = rows.cancel(connection, retrieval_id, now, "Cancelled before it began.")
        if told:
            subject = _seen(connection, principal, retrieval_id).study_instance_uid
            changes.append(connection, Event.RETRIEVAL_CANCELLED, subject, principal.name, {"retrieval": retrieval_id})
        return told

    if not context.database.write(write):
        raise Missing("it is not under way", where="id", hint="It may have ended meanwhile: look at the list again.")


def get(context: Context, principal: Principal, retrieval_id: int) -> Retrieval:
    """One retrieval, as it is now. Raises Missing."""
    access.require(principal, Permission.REMOTE_RETRIEVE)
    return context.database.read(lambda connection: _seen(connection, principal, retrieval_id))


def fetch(context: Context, principal: Principal, study: str, asker: str = "") -> Retrieval | None:
    """A study that is wanted and not here: asked for at the first archive marked "fetch" that has it. asker: the AE title of the
    device that wants it, which is not asked.

    The retrieval that is under way when there is one already; None: it is here, or no archive has it. Raises Missing when no
    archive is marked.
    """
    access.require(principal, Permission.REMOTE_RETRIEVE)
    if not uid.is_usable(study):
        raise Missing("there is no such study", where="StudyInstanceUID")
    scope = access.scope(principal, Permission.REMOTE_RETRIEVE)
    under_way = context.database.read(partial(rows.newest, limit=1, scope=scope, studies=[study]))
    if under_way and under_way[0].state in (State.WAITING, State.RUNNING):
        return under_way[0]
    if context.database.read(partial(imaging.study_values, study_uid=study, scope=scope)) is not None:
        return None
    asked = [peer for peer in _asked_on_a_miss(context) if peer.aet != asker.strip()]
    if not asked:
        hint = "No archive is marked to be asked for what is not here."
        raise Missing("there is no such study", where="StudyInstanceUID", hint=hint)
    silent: list[Silent] = []
    for peer in asked:
        told = _sought(context, principal, peer, {"StudyInstanceUID": study}, silent)
        if any(row["StudyInstanceUID"] == study for row in told):
            return _ask(context, principal, peer, study, "")
    if silent:
        raise Missing("it is not here, and not every archive could be asked", where=", ".join(each.peer_aet for each in silent),
                      hint=silent[0].reason)
    return None


def elsewhere(context: Context, principal: Principal, study: str) -> Elsewhere:
    """A patient's further studies, which the archives marked "fetch" have and we do not. study: one that is here. Waits for them.

    Raises Missing.
    """
    access.require(principal, Permission.REMOTE_QUERY)
    scope = access.scope(principal, Permission.STUDY_QUERY)
    patient = context.database.read(partial(rows.patient_of, scope=scope, study_uid=study))
    if patient is None:
        raise Missing("there is no such study", where="StudyInstanceUID")
    patient_id, issuer = patient
    silent: list[Silent] = []
    studies: dict[str, RemoteStudy] = {}
    for peer in _asked_on_a_miss(context) if patient_id.strip() else ():
        # Characters of a pattern in an ID would find other patients (PS3.4 C.2.2.2.4), so it is compared once more.
        told = _sought(context, principal, peer, {"PatientID": patient_id}, silent)
        theirs = [row for row in told if row["PatientID"] == patient_id and _same_issuer(row, issuer)]
        for one in _told(context, principal, peer, theirs):
            studies.setdefault(one.values["StudyInstanceUID"], one)
    missing = [one for one in studies.values() if one.here is None]
    return Elsewhere(sorted(missing, key=lambda one: one.values["StudyDate"], reverse=True), silent)


def _same_issuer(row: Row, issuer: str) -> bool:
    """An ID means nothing without its issuer; where one of both does not say, the ID alone has to do."""
    theirs = row.get("IssuerOfPatientID", "")
    return not issuer or not theirs or theirs == issuer


# -- the worker's half


def is_due(context: Context) -> bool:
    """Whether `work` would find something to do; cheap."""
    return context.database.read(partial(rows.is_due, now=context.clock()))


Progress = Callable[[Tally], bool]
"""Told how far it is; answers whether it is to end."""
Obtain = Callable[[Retrieval, Peer, Principal, Progress], tuple[str, Tally, Verdict]]
"""Fetches; returns how, the final tally and the verdict. Raises IsocenterErrors."""


def work(context: Context, obtain: Obtain) -> bool:
    """Fetch what has been due for longest. False: there was nothing."""
    claimed = context.database.write(partial(rows.claim, now=context.clock(), lease=LEASE))
    if claimed is None:
        return False
    seen = claimed.tally

    def progress(tally: Tally) -> bool:
        nonlocal seen
        seen = tally
        until = context.clock() + LEASE
        return context.database.write(partial(rows.progress, retrieval_id=claimed.id, tally=tally, until=until))

    how = ""
    try:
        peer = _known_peer(context, claimed.peer_aet)
        principal = access.by_role(peer.aet, access.Role.SERVICE, "peer", "dicom", peer.host)
        if claimed.cancelled:
            verdict = Verdict(State.CANCELLED, "Cancelled; what had arrived by then is kept.")
        else:
            how, seen, verdict = obtain(claimed, peer, principal, progress)
    except IsocenterError as error:
        # What the archive forbids or does not offer stays so; a connection may come back.
        passing = not isinstance(error, (Forbidden, Invalid, Missing))
        verdict = broke_off(_sentence(error.message), claimed.attempts, worth_another=passing)
    _settle(context, claimed, how, seen, verdict)
    return True


def forget(context: Context) -> int:
    """Drop what ended long ago from the list; how many."""
    return context.database.write(partial(rows.forget, before=context.clock() - KEPT))


def _settle(context: Context, claimed: Retrieval, how: str, tally: Tally, verdict: Verdict) -> None:
    facts = {"retrieval": claimed.id, "peer": claimed.peer_aet, "how": how, "state": verdict.state.value,
             "completed": tally.completed, "failed": tally.failed, "attempts": claimed.attempts}  # fmt: skip

    def write(connection: Connection) -> None:
        rows.settle(connection, claimed.id, how, tally, verdict, context.clock())
        if verdict.again_after is None:
            changes.append(connection, Event.RETRIEVAL_ENDED, claimed.study_instance_uid, claimed.peer_aet, facts)

    context.database.write(write)
    log.log(logging.INFO if verdict.state is State.DONE else logging.WARNING, "retrieval: %s", verdict.state.value,
            extra={"facts": {**facts, "reason": verdict.reason}})


# -- asking


def _ask(context: Context, principal: Principal, peer: Peer, study: str, series: str) -> Retrieval:
    now = context.clock()

    def write(connection: Connection) -> Retrieval:
        added = rows.add(
            connection, peer_aet=peer.aet, study_instance_uid=study, series_instance_uid=series, asked_by=principal.name, at=now
        )
        payload = {"retrieval": added.id, "peer": peer.aet, "series": series, "via": principal.via, "address": principal.address}
        changes.append(connection, Event.RETRIEVAL_ASKED, study, principal.name, payload)
        return added

    return context.database.write(write)


def _seek(context: Context, principal: Principal, peer: Peer, asked: Mapping[str, str]) -> list[Row]:
    """The answers of one archive, each with every attribute of RETURNED. Raises what became of asking."""
    keys = sorted(asked)
    told: dict[str, object] = {"keys": keys, "peer": peer.aet}
    context.accesses.note(context.database, principal, Event.REMOTE_SEARCHED, f"{peer.aet}?{'&'.join(keys)}", told)
    wanted = {**dict.fromkeys(RETURNED, ""), **{keyword: _key(keyword, text) for keyword, text in asked.items()}}
    try:
        answers = context.seek(context, peer, Level.STUDY, wanted, MOST_STUDIES + 1)
    except IsocenterError as error:
        # Whatever the other side forbids or lacks: here nobody lacks a permission.
        raise Away(f"{peer.aet} could not be searched: {error.message}", hint=error.hint) from error
    return [{keyword: answer.get(keyword, "") for keyword in RETURNED} for answer in answers if answer.get("StudyInstanceUID")]


def _sought(context: Context, principal: Principal, peer: Peer, asked: Mapping[str, str], silent: list[Silent]) -> list[Row]:
    """As `_seek`; an archive that cannot be asked is noted, since the others are still to be."""
    try:
        return _seek(context, principal, peer, asked)
    except IsocenterError as error:
        silent.append(Silent(peer.aet, _sentence(error.message)))
        return []


def _key(keyword: str, text: str) -> str:
    """What a person typed as a matching key."""
    if keyword in _BEGINNINGS:
        family, comma, given = text.partition(",")
        name = f"{family.strip()}^{given.strip()}".rstrip("^") if comma else text
        return name if "*" in name or "?" in name else f"{name}*"
    if keyword in _ANYWHERE:
        return text if "*" in text or "?" in text else f"*{text}*"
    if keyword == "StudyDate":
        try:
            return _dates(text)
        except InvalidKey as error:
            raise Invalid(f"it is {error.reason}", where=keyword, hint="YYYYMMDD, or YYYYMMDD-YYYYMMDD open at an end") from None
    if keyword == "ModalitiesInStudy":
        return "" if "," in text else text  # a list is no key (PS3.4 C.2.2.2): all are asked for, and sorted out here
    if keyword == "StudyInstanceUID" and not uid.is_usable(text):
        raise Invalid("it is no UID", where=keyword)
    return text


def _dates(text: str) -> str:
    match = parse_match(BY_KEYWORD["StudyDate"], text)
    return f"{match.low}-{match.high}" if isinstance(match, Range) else match.value if isinstance(match, Single) else ""


def _has_modality(row: Row, wanted: str) -> bool:
    """Archives that do not say what is in a study leave it open."""
    told = row["ModalitiesInStudy"]
    return not wanted or not told or not {each.strip() for each in wanted.split(",")}.isdisjoint(told.split("\\"))


def _told(context: Context, principal: Principal, peer: Peer, found: Iterable[Row]) -> list[RemoteStudy]:
    """Each study that the principal may see, with what of it is here and on its way."""
    scope = access.scope(principal, Permission.STUDY_QUERY)
    rows_found = list(found)
    hidden = context.database.read(partial(sensitive.elsewhere, found=rows_found))
    marked = ({**row, access.SENSITIVE: "yes"} if row["StudyInstanceUID"] in hidden else row for row in rows_found)
    mine = [row for row, told in zip(rows_found, marked, strict=True) if scope.permits(told)]
    uids = [row["StudyInstanceUID"] for row in mine]
    if not uids:
        return []
    here = context.database.read(partial(rows.held, uids=uids))
    asked = context.database.read(partial(rows.newest, limit=len(uids) * 2, scope=scope, studies=uids))
    latest = {each.study_instance_uid: each for each in reversed(asked) if not each.series_instance_uid}
    return [RemoteStudy(peer.aet, row, here.get(row["StudyInstanceUID"]), latest.get(row["StudyInstanceUID"])) for row in mine]


def _asked_on_a_miss(context: Context) -> list[Peer]:
    return [peer for peer in context.database.read(peer_rows.peers) if peer.archive == AskedWhen.MISSED]


def _archive(context: Context, aet: str) -> Peer:
    peer = context.database.read(lambda connection: peer_rows.peer(connection, aet.strip()))
    if peer is None or not peer.archive:
        raise Missing("there is no such archive", where="aet", hint="An administrator marks peers as archives.")
    return peer


def _known_peer(context: Context, aet: str) -> Peer:
    peer = context.database.read(lambda connection: peer_rows.peer(connection, aet))
    if peer is None:
        raise Missing("the archive is no longer a known peer")
    return peer


def _seen(connection: Connection, principal: Principal, retrieval_id: int) -> Retrieval:
    found = _known(rows.get(connection, retrieval_id))
    told = rows.newest(connection, limit=1, scope=access.scope(principal, Permission.REMOTE_RETRIEVE),
                       studies=[found.study_instance_uid])  # fmt: skip
    return _known(found if told else None)


def _known(found: Retrieval | None) -> Retrieval:
    if found is None:
        raise Missing("there is no such retrieval", where="id")
    return found


def _sentence(text: str) -> str:
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}" if text[-1:] in ".!?" else f"{text[:1].upper()}{text[1:]}."
