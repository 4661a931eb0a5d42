"""What comes into the archive, and on what terms: the pure `admit`.

    admit(arrival) -> Accept        it is an instance like any other
                      Library       it is nobody's image, but says how images are shown; kept beside the studies
                      Quarantine    its bytes are kept, but it joins no study until a person has looked at it
                      Refuse        nothing is kept, the sender is told why

Facts that only the index knows (the study is another patient's, the instance is there already) are found by `store.arriving`
inside the transaction.
"""

import re
from dataclasses import dataclass
from typing import Literal

from isocenter.dicom.part10 import Header
from isocenter.dicom.sop_classes import HANGING_PROTOCOL_STORAGE
from isocenter.dicom.uid import MAX_LENGTH, is_valid
from isocenter.domain.access import Principal
from isocenter.domain.sharing import SENT_IN

Source = Literal["dimse", "stow", "import", "upload", "print", "hl7"]
Status = Literal["stored", "duplicate", "version", "quarantined"]

# PS3.5 9.1: at most 64 characters, digits and periods. Leading zeros, a lone component, an empty component are wrong too, but
# seen in the field and harmless: such a UID is accepted as it is, with a warning.
_USABLE_UID = re.compile(r"[0-9.]+")
_UID_LENGTH = MAX_LENGTH

# Composite objects of no patient (PS3.4 Annex GG) that have a home here. A real hanging protocol has some ten thousand bytes.
LIBRARY = frozenset({HANGING_PROTOCOL_STORAGE})
LONGEST_IN_LIBRARY = 1 << 20
_OF_A_STUDY = ("StudyInstanceUID", "SeriesInstanceUID")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One object that has come in whole, and what its sender said about it."""

    principal: Principal
    header: Header
    size: int
    source: Source
    calling_aet: str = ""
    called_aet: str = ""
    command_sop_class_uid: str | None = None
    command_sop_instance_uid: str | None = None
    target_study_instance_uid: str | None = None  # STOW-RS to a study's own resource (PS3.18 10.5)


@dataclass(frozen=True, slots=True)
class Accept:
    """Store it. warnings: faults that were tolerated."""

    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Keep its bytes apart."""

    reason: str
    where: str


@dataclass(frozen=True, slots=True)
class Library(Quarantine):
    """Keep it beside the studies. For who knows only instances of studies, it is apart from them like any quarantined object."""

    reason: str = "the object belongs to no study"
    where: str = "SOPClassUID"


@dataclass(frozen=True, slots=True)
class Refuse:
    """Keep nothing. mismatch: it is not what the command said (PS3.4 B.2.3: A900), rather than something nobody can use."""

    reason: str
    where: str
    mismatch: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an object: the answer to its sender, given after everything is durable."""

    status: Status
    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    reason: str = ""
    warnings: tuple[str, ...] = ()


def admit(arrival: Arrival) -> Accept | Quarantine | Refuse:
    """Judge an object by itself."""
    header = arrival.header
    uids = {
        "SOPClassUID": header.sop_class_uid,
        "SOPInstanceUID": header.sop_instance_uid,
        "StudyInstanceUID": header.study_instance_uid,
        "SeriesInstanceUID": header.series_instance_uid,
    }
    told = {
        "SOPClassUID": arrival.command_sop_class_uid,
        "SOPInstanceUID": arrival.command_sop_instance_uid,
        "StudyInstanceUID": arrival.target_study_instance_uid,
    }
    for where, uid in told.items():
        if uid is not None and uids[where] and uid != uids[where]:
            return Refuse(f"the data set's {where} is not the one of the request", where, mismatch=True)
    is_library = header.sop_class_uid in LIBRARY
    if is_library and arrival.size > LONGEST_IN_LIBRARY:
        return Quarantine(f"an object of no patient has at most {LONGEST_IN_LIBRARY >> 20} MiB", "SOPClassUID")
    for where, uid in uids.items():
        if is_library and where in _OF_A_STUDY:
            continue
        if not uid:
            return Quarantine(f"the data set has no {where}", where)
        if len(uid) > _UID_LENGTH:
            return Quarantine(f"{where} is longer than {_UID_LENGTH} characters", where)
        if not _USABLE_UID.fullmatch(uid):
            return Quarantine(f"{where} is no UID", where)
    if arrival.principal.kind == "link":
        if is_library:
            return Refuse("what is of no study cannot be sent in over a link", "SOPClassUID")
        return Quarantine("it came over a link and waits until somebody here accepts it", SENT_IN)
    if is_library:
        return Library()
    sloppy = tuple(f"{where} is not well formed" for where, uid in uids.items() if not is_valid(uid))
    return Accept(_warnings(header) + sloppy)


def _warnings(header: Header) -> tuple[str, ...]:
    meta = (
        ("MediaStorageSOPClassUID", header.media_storage_sop_class_uid, header.sop_class_uid),
        ("MediaStorageSOPInstanceUID", header.media_storage_sop_instance_uid, header.sop_instance_uid),
    )
    differing = tuple(f"{where} differs from the data set" for where, said, uid in meta if said and said != uid)
    return header.warnings + differing
