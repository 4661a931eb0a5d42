"""Query/Retrieve, SCU (PS3.4 Annex C): what a remote archive has, and getting it.

    find       C-FIND: rows as keyword -> text
    retrieve   C-MOVE to ourselves, or C-GET, each whole: progress while it runs, failed instances by UID

Study Root is asked for first, Patient Root where a peer has nothing else.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from isocenter.dicom import datasets, question, sop_classes, syntaxes
from isocenter.dicom.attributes import Level
from isocenter.dimse import client, status, storage
from isocenter.dimse.client import Association, Lost, NotAccepted, Refused
from isocenter.dimse.conversation import Answer, Cancelled, never
from isocenter.dimse.messages import DATA_SET, Command, CommandField
from isocenter.dimse.status import Category
from isocenter.domain.access import Principal
from isocenter.domain.errors import Invalid
from isocenter.service.context import Context
from isocenter.service.peers import Peer

log = logging.getLogger(__name__)

FIND = (sop_classes.STUDY_ROOT_FIND, sop_classes.PATIENT_ROOT_FIND)
MOVE = (sop_classes.STUDY_ROOT_MOVE, sop_classes.PATIENT_ROOT_MOVE)
GET = (sop_classes.STUDY_ROOT_GET, sop_classes.PATIENT_ROOT_GET)

# What an answer of each level says unless the caller asks for something else: what a person chooses by.
# The first is the unique key of the level.
RETURN_KEYS: Mapping[Level, tuple[str, ...]] = {
    Level.PATIENT: (
        "PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate", "PatientSex", "NumberOfPatientRelatedStudies",
    ),
    Level.STUDY: (
        "StudyInstanceUID", "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "StudyDate",
        "StudyTime", "AccessionNumber", "StudyDescription", "ModalitiesInStudy", "ReferringPhysicianName", "StudyID",
        "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances",
    ),
    Level.SERIES: (
        "SeriesInstanceUID", "Modality", "SeriesNumber", "SeriesDescription", "BodyPartExamined", "SeriesDate", "SeriesTime",
        "NumberOfSeriesRelatedInstances",
    ),
    Level.INSTANCE: ("SOPInstanceUID", "SOPClassUID", "InstanceNumber", "NumberOfFrames"),
}  # fmt: skip

# Where a peer does not say what a study is made of (PS3.4 C.6: SOP Classes in Study is optional): pictures before the rest.
_KINDS = ("image", "multiframe", "sr", "presentation", "document", "segmentation", "registration", "video", "radiotherapy")
_USUAL = [each.uid for kind in _KINDS for each in sop_classes.STORAGE.values() if each.kind == kind and not each.retired]

# A peer that goes on answering for so long after a C-CANCEL is left (seconds).
GOES_ON = 5.0

How = Literal["auto", "move", "get"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be retrieved: a study, or one series or one instance of it. Values are UIDs."""

    study: str
    series: str = ""
    instance: str = ""

    @property
    def level(self) -> Level:
        """The Query/Retrieve Level of the request."""
        return Level.INSTANCE if self.instance else Level.SERIES if self.series else Level.STUDY

    @property
    def keys(self) -> dict[str, str]:
        """The unique keys of the levels down to it (PS3.4 C.4.2.1.4.1)."""
        uids = {"StudyInstanceUID": self.study, "SeriesInstanceUID": self.series, "SOPInstanceUID": self.instance}
        return {keyword: uid for keyword, uid in uids.items() if uid}


@dataclass(frozen=True, slots=True)
class Progress:
    """Sub-operations so far (PS3.4 C.4.2.1.7 and following). remaining: of what has been asked for until now; None: not said."""

    remaining: int | None = None
    completed: int = 0
    failed: int = 0
    warning: int = 0


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What came of a retrieval. status: the first that was no Success, and reason in words; failed_uids: SOP Instance UIDs."""

    how: Literal["move", "get"]
    status: int = status.SUCCESS
    reason: str = ""
    completed: int = 0
    failed: int = 0
    warning: int = 0
    failed_uids: tuple[str, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Everything has come."""
        return self.status == status.SUCCESS and not self.failed


def find(
    context: Context, peer: Peer, level: Level, keys: Mapping[str, str], *, limit: int = 0, cancelled: Cancelled = never
) -> Iterator[dict[str, str]]:
    """Rows of a remote archive: keyword -> text, values joined by backslashes; of the keys given, and RETURN_KEYS of the level.

    keys: matching keys as PS3.4 C.2.2.2 has them, "" asks for the value. limit: the peer is told to stop (C-CANCEL) after so
    many; 0: all. Raises Invalid (a key that cannot be asked for), Rejected, Lost, NotAccepted, Refused.
    """
    wanted = dict.fromkeys(RETURN_KEYS[level], "") | dict(keys)
    contexts = [(sop_class, syntaxes.OF_MESSAGES) for sop_class in FIND]
    with client.to_peer(context, peer, contexts=contexts) as association:
        sop_class = _offered(association, FIND, "query")
        data_set = _identifier(association, sop_class, level, wanted, peer)
        command = _command(CommandField.C_FIND_RQ, sop_class)
        found: set[str] = set()
        leave_at = float("inf")

        def enough() -> bool:
            return bool(limit and len(found) >= limit) or cancelled()

        for answer in association.answers(sop_class, command, data_set, cancelled=enough):
            meaning = status.describe(answer.status).category
            if meaning is Category.FAILURE:
                raise Refused("C-FIND", answer.command)
            if meaning is not Category.PENDING:
                return
            if not enough():
                row = question.decode(answer.data_set, answer.transfer_syntax, _charsets(peer))
                # Some archives answer with a row for each series or instance below. A Patient ID is not unique.
                unique = (row.get(RETURN_KEYS[level][0]) if level is not Level.PATIENT else None) or f"row {len(found)}"
                if unique not in found:
                    found.add(unique)
                    yield row
            elif time.monotonic() > (leave_at := min(leave_at, time.monotonic() + GOES_ON)):
                association.abort()  # it does not know C-CANCEL
                return


def retrieve(
    context: Context,
    principal: Principal,
    peer: Peer,
    wanted: Sequence[Wanted],
    *,
    how: How = "auto",
    on_progress: Callable[[Progress], None] = lambda progress: None,
    cancelled: Cancelled = never,
) -> Retrieved:
    """Get studies, series or instances of a remote archive into this one. Raises Invalid, Rejected, Lost, NotAccepted.

    move: the peer sends them to our AE title, where it must know us and we must listen. get: they come on this association and
    are taken in as `principal`'s. auto: move, and get when the peer does not offer that or does not know us. A failure of the
    peer is no error but the status; other requests go on after it, unless cancelled.
    """
    moved = None
    if how != "get":
        try:
            moved = _Retrieval(context, principal, peer, on_progress, cancelled, "move").run(wanted)
            if how == "move" or not _refused(moved):
                return moved
        except NotAccepted:
            if how == "move":
                raise
    try:
        return _Retrieval(context, principal, peer, on_progress, cancelled, "get").run(wanted)
    except NotAccepted:
        if moved is None:
            raise
        return moved


def _refused(moved: Retrieved) -> bool:
    """The peer failed before it sent anything: it does not know us, which few say as the standard has it (A801)."""
    began = moved.completed or moved.warning or moved.failed
    return status.describe(moved.status).category is Category.FAILURE and not began


class _Retrieval:
    """Requests one after the other on one association."""

    def __init__(
        self, context: Context, principal: Principal, peer: Peer, on_progress: Callable[[Progress], None],
        cancelled: Cancelled, how: Literal["move", "get"],
    ) -> None:  # fmt: skip
        self._context = context
        self._peer = peer
        self._on_progress = on_progress
        self._cancelled = cancelled
        self._operation = CommandField.C_MOVE_RQ if how == "move" else CommandField.C_GET_RQ
        self._classes = MOVE if how == "move" else GET
        self._total = Retrieved(how)
        self._scp = storage.StorageSCP(context, principal, peer.aet, context.settings.aet, peer.issuer)

    def run(self, wanted: Sequence[Wanted]) -> Retrieved:
        getting = self._operation == CommandField.C_GET_RQ
        objects = _storage_contexts(self._kinds(wanted)) if getting else []
        # FIND beside it: some take MOVE and GET only from who could also have asked (dcmqrscp --require-find).
        contexts = [*((each, syntaxes.OF_MESSAGES) for each in (*self._classes, *FIND)), *objects]
        # PS3.4 C.5.3.1: we are the SCP of storage
        roles = [(kind, False, True) for kind in dict.fromkeys(kind for kind, _ in objects)]
        try:
            with client.to_peer(self._context, self._peer, contexts=contexts, roles=roles) as association:
                sop_class = _offered(association, self._classes, "C-GET" if getting else "C-MOVE")
                for each in wanted:
                    if self._cancelled():
                        return replace(self._total, status=status.CANCEL, reason="cancelled")
                    self._one(association, sop_class, each)
                    if self._total.status == status.MOVE_DESTINATION_UNKNOWN:
                        break
        except Lost:
            if not self._cancelled():
                raise
            return replace(self._total, status=status.CANCEL, reason="cancelled, and the association ended")
        finally:
            self._scp.close()
        return self._total

    def _kinds(self, wanted: Sequence[Wanted]) -> list[str]:
        """The SOP classes a C-GET is to propose: an association has room for 124, the standard has more."""
        asked: dict[str, None] = {}
        for each in wanted:
            keys = {"StudyInstanceUID": each.study, "SOPClassesInStudy": ""}
            try:
                for row in find(self._context, self._peer, Level.STUDY, keys, limit=1, cancelled=self._cancelled):
                    asked.update(dict.fromkeys(filter(None, row.get("SOPClassesInStudy", "").split("\\"))))
            except (NotAccepted, Refused):
                break
        return list(asked) or list(_USUAL)

    def _one(self, association: Association, sop_class: str, wanted: Wanted) -> None:
        destination = self._context.settings.aet if self._operation == CommandField.C_MOVE_RQ else None
        command = _command(self._operation, sop_class, destination)
        data_set = _identifier(association, sop_class, wanted.level, wanted.keys, self._peer)
        for answer in association.answers(
            sop_class, command, data_set, cancelled=self._cancelled, perform=self._scp.store
        ):
            self._on_progress(_progress(self._total, answer.command))
            if status.describe(answer.status).category is not Category.PENDING:
                self._total = self._added(answer)

    def _added(self, answer: Answer) -> Retrieved:
        """What has come so far, with the final answer of one more request."""
        total, said = self._total, _progress(Retrieved(self._total.how), answer.command)
        code, reason = total.status, total.reason
        if code == status.SUCCESS and answer.status != status.SUCCESS:
            code, reason = answer.status, answer.command.error_comment or status.describe(answer.status).text
        failed = (*total.failed_uids, *_failed(answer))
        return replace(
            total, status=code, reason=reason, failed_uids=failed, completed=total.completed + said.completed,
            failed=total.failed + said.failed, warning=total.warning + said.warning,
        )  # fmt: skip


def _command(operation: CommandField, sop_class: str, destination: str | None = None) -> Command:
    return Command(
        command_field=operation, command_data_set_type=DATA_SET, affected_sop_class_uid=sop_class,
        priority=client.MEDIUM_PRIORITY, move_destination=destination,
    )  # fmt: skip


def _offered(association: Association, classes: Sequence[str], what: str) -> str:
    """The first of the SOP classes that was accepted."""
    accepted = {sop_class for sop_class, _ in association.accepted}
    for sop_class in classes:
        if sop_class in accepted:
            return sop_class
    raise NotAccepted(f"the peer does not offer {what}")


def _identifier(association: Association, sop_class: str, level: Level, keys: Mapping[str, str], peer: Peer) -> bytes:
    try:
        return question.encode(level, keys, association.transfer_syntax(sop_class), _charsets(peer))
    except question.InvalidQuestion as error:
        raise Invalid(str(error)) from None


def _charsets(peer: Peer) -> str:
    """The Specific Character Set that a peer speaks where it does not say so."""
    return peer.character_set


def _storage_contexts(kinds: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
    """A presentation context for each kind and syntax, so that the peer may send what it has as it is.

    Where an association has no room for so many, each kind has one, whose syntax the peer chooses.
    """
    room = client.MAX_CONTEXTS - len(GET) - len(FIND)
    ladders = {kind: _ladder(kind) for kind in kinds}
    if sum(map(len, ladders.values())) > room:
        return [(kind, ladder) for kind, ladder in list(ladders.items())[:room]]
    return [(kind, (syntax,)) for kind, ladder in ladders.items() for syntax in ladder]


def _ladder(kind: str) -> tuple[str, ...]:
    sop_class = sop_classes.get(kind)
    video = sop_class is not None and sop_class.kind == "video"
    return (*syntaxes.OF_OBJECTS, *syntaxes.OF_VIDEO) if video else syntaxes.OF_OBJECTS


def _progress(total: Retrieved, command: Command) -> Progress:
    return Progress(
        command.number_of_remaining_suboperations,
        total.completed + (command.number_of_completed_suboperations or 0),
        total.failed + (command.number_of_failed_suboperations or 0),
        total.warning + (command.number_of_warning_suboperations or 0),
    )


def _failed(answer: Answer) -> list[str]:
    """Failed SOP Instance UID List (0008,0058)."""
    if not answer.data_set:
        return []
    try:
        listed = datasets.decode(answer.data_set, answer.transfer_syntax).get("FailedSOPInstanceUIDList") or []
    except datasets.InvalidDataSet:
        return []
    return [listed] if isinstance(listed, str) else [str(uid) for uid in listed]
