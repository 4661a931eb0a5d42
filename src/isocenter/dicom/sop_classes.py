"""The SOP classes of the standard that an archive meets: storage (generated) and the network services around it."""

from dataclasses import dataclass

from ._storage_classes import OTHER_UIDS, ROWS


@dataclass(frozen=True, slots=True)
class SOPClass:
    """A storage SOP class. kind: image, multiframe, video, sr, presentation, segmentation, registration, waveform, radiotherapy,
    document, model, measurement, non_patient or other; what kind of object it is decides how a client shows it."""

    uid: str
    keyword: str
    name: str
    kind: str
    retired: bool = False


STORAGE: dict[str, SOPClass] = {row[0]: SOPClass(*row) for row in ROWS}

# Every other UID of PS3.6 Table A-1: whatever is not here may be stored, also the private and what is newer than our edition.
OTHER: frozenset[str] = frozenset(OTHER_UIDS)

VERIFICATION = "1.2.840.10008.1.1"
MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"
STORAGE_COMMITMENT_PUSH_MODEL = "1.2.840.10008.1.20.1"
PATIENT_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.1.1"
PATIENT_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.1.2"
PATIENT_ROOT_GET = "1.2.840.10008.5.1.4.1.2.1.3"
STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
STUDY_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
STUDY_ROOT_GET = "1.2.840.10008.5.1.4.1.2.2.3"
PATIENT_STUDY_ONLY_FIND = "1.2.840.10008.5.1.4.1.2.3.1"  # retired, as the next two
PATIENT_STUDY_ONLY_MOVE = "1.2.840.10008.5.1.4.1.2.3.2"
PATIENT_STUDY_ONLY_GET = "1.2.840.10008.5.1.4.1.2.3.3"
MODALITY_PERFORMED_PROCEDURE_STEP = "1.2.840.10008.3.1.2.3.3"
MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE = "1.2.840.10008.3.1.2.3.4"
INSTANCE_AVAILABILITY_NOTIFICATION = "1.2.840.10008.5.1.4.33"
MODALITY_WORKLIST_FIND = "1.2.840.10008.5.1.4.31"
HANGING_PROTOCOL_STORAGE = "1.2.840.10008.5.1.4.38.1"
HANGING_PROTOCOL_FIND = "1.2.840.10008.5.1.4.38.2"
HANGING_PROTOCOL_MOVE = "1.2.840.10008.5.1.4.38.3"
HANGING_PROTOCOL_GET = "1.2.840.10008.5.1.4.38.4"
UPS_PUSH = "1.2.840.10008.5.1.4.34.6.1"
UPS_WATCH = "1.2.840.10008.5.1.4.34.6.2"
UPS_PULL = "1.2.840.10008.5.1.4.34.6.3"
UPS_EVENT = "1.2.840.10008.5.1.4.34.6.4"
UPS_QUERY = "1.2.840.10008.5.1.4.34.6.5"
UPS_GLOBAL_SUBSCRIPTION = "1.2.840.10008.5.1.4.34.5"  # well-known instances (PS3.4 CC.2.3)
UPS_FILTERED_GLOBAL_SUBSCRIPTION = "1.2.840.10008.5.1.4.34.5.1"


# PS3.4 Annex H: print management. The two meta SOP classes are what is negotiated; they stand for the basic ones.
BASIC_GRAYSCALE_PRINT_META = "1.2.840.10008.5.1.1.9"
BASIC_COLOR_PRINT_META = "1.2.840.10008.5.1.1.18"
BASIC_FILM_SESSION = "1.2.840.10008.5.1.1.1"
BASIC_FILM_BOX = "1.2.840.10008.5.1.1.2"
BASIC_GRAYSCALE_IMAGE_BOX = "1.2.840.10008.5.1.1.4"
BASIC_COLOR_IMAGE_BOX = "1.2.840.10008.5.1.1.4.1"
BASIC_ANNOTATION_BOX = "1.2.840.10008.5.1.1.15"
PRINTER = "1.2.840.10008.5.1.1.16"
PRESENTATION_LUT = "1.2.840.10008.5.1.1.23"


def get(uid: str) -> SOPClass | None:
    """Return the storage SOP class of a UID, or None when it is private, newer than our edition, or no storage class."""
    return STORAGE.get(uid)


def name_of(uid: str) -> str:
    """Return the name people know a storage SOP class by; the UID itself when we do not know it."""
    sop_class = STORAGE.get(uid)
    return sop_class.name if sop_class else uid
