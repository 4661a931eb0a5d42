"""Statuses: PS3.7 Annex C and PS3.4 B.2.3 as one table, and the one table from our errors to C-STORE's."""

from dataclasses import dataclass
from enum import StrEnum

from isocenter.dicom import attributes
from isocenter.domain.errors import IsocenterError, Kind


class Category(StrEnum):
    """PS3.7 C.1 to C.5: what a status means for the operation."""

    SUCCESS = "Success"
    WARNING = "Warning"
    FAILURE = "Failure"
    CANCEL = "Cancel"
    PENDING = "Pending"


@dataclass(frozen=True, slots=True)
class Status:
    """One status code with its meaning."""

    code: int
    category: Category
    text: str


SUCCESS = 0x0000
ATTRIBUTES_NOT_SUPPORTED = 0x0001
INVALID_ATTRIBUTE_VALUE = 0x0106
ATTRIBUTE_LIST_ERROR = 0x0107
PROCESSING_FAILURE = 0x0110
DUPLICATE_SOP_INSTANCE = 0x0111
NO_SUCH_INSTANCE = 0x0112
NO_SUCH_EVENT_TYPE = 0x0113
INVALID_ARGUMENT = 0x0115
ATTRIBUTE_VALUE_OUT_OF_RANGE = 0x0116
NO_SUCH_SOP_CLASS = 0x0118
CLASS_INSTANCE_CONFLICT = 0x0119
MISSING_ATTRIBUTE = 0x0120
MISSING_ATTRIBUTE_VALUE = 0x0121
SOP_CLASS_NOT_SUPPORTED = 0x0122
NO_SUCH_ACTION = 0x0123
NOT_AUTHORIZED = 0x0124
UNRECOGNIZED_OPERATION = 0x0211
RESOURCE_LIMITATION = 0x0213
OUT_OF_RESOURCES = 0xA700
CANNOT_COUNT_MATCHES = 0xA701
CANNOT_PERFORM_SUBOPERATIONS = 0xA702
MPPS_NO_LONGER_UPDATED = 0xA710
MOVE_DESTINATION_UNKNOWN = 0xA801
NOT_OF_SOP_CLASS = 0xA900
SUBOPERATIONS_FAILED = 0xB000
LIMIT_REACHED = 0xB001
UNABLE_TO_PROCESS = 0xC000
PRINT_SESSION_EMPTY = 0xB602
PRINT_FILM_EMPTY = 0xB603
PRINT_DEMAGNIFIED = 0xB604
PRINT_CROPPED = 0xB609
PRINT_NO_FILM_BOXES = 0xC600
PRINT_SESSION_QUEUE_FULL = 0xC601
PRINT_FILM_QUEUE_FULL = 0xC602
PRINT_IMAGE_TOO_LARGE = 0xC603
PRINT_NO_MEMORY = 0xC605
UPS_CREATED_WITH_MODIFICATIONS = 0xB300
UPS_ALREADY_CANCELED = 0xB304
UPS_ALREADY_IN_STATE_COMPLETED = 0xB306
UPS_NO_LONGER_UPDATED = 0xC300
UPS_WRONG_TRANSACTION_UID = 0xC301
UPS_ALREADY_IN_PROGRESS = 0xC302
UPS_SCHEDULED_BY_N_CREATE_ONLY = 0xC303
UPS_FINAL_STATE_NOT_MET = 0xC304
UPS_NO_SUCH_INSTANCE = 0xC307
UPS_UNKNOWN_RECEIVING_AE = 0xC308
UPS_NOT_CREATED_SCHEDULED = 0xC309
UPS_NOT_IN_PROGRESS = 0xC310
UPS_ALREADY_COMPLETED = 0xC311
UPS_PERFORMER_UNREACHABLE = 0xC312
UPS_WRONG_ACTION = 0xC314
CANCEL = 0xFE00
PENDING = 0xFF00
PENDING_UNSUPPORTED_KEYS = 0xFF01

# PS3.7 Annex C: statuses that every service shares.
_GENERAL = (
    Status(0x0000, Category.SUCCESS, "Success"),
    Status(0x0001, Category.WARNING, "Requested optional attributes are not supported"),
    Status(0x0105, Category.FAILURE, "No such attribute"),
    Status(0x0106, Category.FAILURE, "Invalid attribute value"),
    Status(0x0107, Category.WARNING, "Attribute list error"),
    Status(0x0110, Category.FAILURE, "Processing failure"),
    Status(0x0111, Category.FAILURE, "Duplicate SOP instance"),
    Status(0x0112, Category.FAILURE, "No such SOP instance"),
    Status(0x0113, Category.FAILURE, "No such event type"),
    Status(0x0114, Category.FAILURE, "No such argument"),
    Status(0x0115, Category.FAILURE, "Invalid argument value"),
    Status(0x0116, Category.WARNING, "Attribute value out of range"),
    Status(0x0117, Category.FAILURE, "Invalid SOP instance"),
    Status(0x0118, Category.FAILURE, "No such SOP class"),
    Status(0x0119, Category.FAILURE, "Class-instance conflict"),
    Status(0x0120, Category.FAILURE, "Missing attribute"),
    Status(0x0121, Category.FAILURE, "Missing attribute value"),
    Status(0x0122, Category.FAILURE, "Refused: SOP class not supported"),
    Status(0x0123, Category.FAILURE, "No such action"),
    Status(0x0124, Category.FAILURE, "Refused: not authorized"),
    Status(0x0210, Category.FAILURE, "Duplicate invocation"),
    Status(0x0211, Category.FAILURE, "Unrecognized operation"),
    Status(0x0212, Category.FAILURE, "Mistyped argument"),
    Status(0x0213, Category.FAILURE, "Resource limitation"),
    Status(0xFE00, Category.CANCEL, "Cancel"),
    Status(0xFF00, Category.PENDING, "Pending"),
    Status(0xFF01, Category.PENDING, "Pending: optional keys were not supported"),
)

# PS3.4 Table B.2-1: C-STORE.
_STORAGE = (
    Status(0xA700, Category.FAILURE, "Refused: out of resources"),
    Status(0xA900, Category.FAILURE, "Error: data set does not match SOP class"),
    Status(0xB000, Category.WARNING, "Coercion of data elements"),
    Status(0xB006, Category.WARNING, "Elements discarded"),
    Status(0xB007, Category.WARNING, "Data set does not match SOP class"),
    Status(0xC000, Category.FAILURE, "Error: cannot understand"),
)

# PS3.4 Table C.4-2, C.4-3: C-MOVE and C-GET. B000 shares its code with C-STORE, where it means coercion.
_RETRIEVE = (
    Status(0xA701, Category.FAILURE, "Refused: out of resources, unable to calculate number of matches"),
    Status(0xA702, Category.FAILURE, "Refused: out of resources, unable to perform sub-operations"),
    Status(0xA801, Category.FAILURE, "Refused: move destination unknown"),
)

# PS3.4 C.4.1.1.4: C-FIND, besides those above. The limit is that of the Repository Query; other models have none.
_QUERY = (Status(0xB001, Category.WARNING, "Matching reached response limit"),)

# PS3.4 H.4.1.2, H.4.2.2, H.4.3.1.2: print management.
_PRINT = (
    Status(0xB602, Category.WARNING, "The film session has no images: an empty page"),
    Status(0xB603, Category.WARNING, "The film box has no images: an empty page"),
    Status(0xB604, Category.WARNING, "The image was larger than its box and has been demagnified"),
    Status(0xB609, Category.WARNING, "The image was larger than its box and has been cropped"),
    Status(0xC600, Category.FAILURE, "The film session has no film boxes"),
    Status(0xC601, Category.FAILURE, "The print queue is full: the film session was not printed"),
    Status(0xC602, Category.FAILURE, "The print queue is full: the film box was not printed"),
    Status(0xC603, Category.FAILURE, "The image is larger than its box"),
    Status(0xC605, Category.FAILURE, "Not enough memory to keep the image"),
)

# PS3.4 CC.2: Unified Procedure Steps.
_UPS = (
    Status(0xB300, Category.WARNING, "The UPS was created with modifications"),
    Status(0xB301, Category.WARNING, "Deletion lock not granted"),
    Status(0xB304, Category.WARNING, "The UPS is already in the requested state of CANCELED"),
    Status(0xB305, Category.WARNING, "Coerced invalid values to valid values"),
    Status(0xB306, Category.WARNING, "The UPS is already in the requested state of COMPLETED"),
    Status(0xC300, Category.FAILURE, "The UPS may no longer be updated"),
    Status(0xC301, Category.FAILURE, "The correct Transaction UID was not provided"),
    Status(0xC302, Category.FAILURE, "The UPS is already IN PROGRESS"),
    Status(0xC303, Category.FAILURE, "The UPS may only become SCHEDULED via N-CREATE, not N-SET or N-ACTION"),
    Status(0xC304, Category.FAILURE, "The UPS has not met final state requirements for the requested state change"),
    Status(0xC307, Category.FAILURE, "Specified SOP Instance UID does not exist or is not a UPS instance managed by this SCP"),
    Status(0xC308, Category.FAILURE, "Receiving AE-TITLE is unknown to this SCP"),
    Status(0xC309, Category.FAILURE, "The provided value of UPS state was not SCHEDULED"),
    Status(0xC310, Category.FAILURE, "The UPS is not yet in the IN PROGRESS state"),
    Status(0xC311, Category.FAILURE, "The UPS is already COMPLETED"),
    Status(0xC312, Category.FAILURE, "The performer cannot be contacted"),
    Status(0xC313, Category.FAILURE, "Performer chooses not to cancel"),
    Status(0xC314, Category.FAILURE, "Specified action not appropriate for specified instance"),
    Status(0xC315, Category.FAILURE, "SCP does not support event reports"),
)

STATUSES: dict[int, Status] = {
    status.code: status for status in (*_GENERAL, *_STORAGE, *_RETRIEVE, *_QUERY, *_PRINT, *_UPS)
}

# (mask, value): the ranges of PS3.7 Annex C and PS3.4 B.2.3, for codes that have no row of their own.
_RANGES = (
    (0xFF00, 0xA700, Category.FAILURE, "Refused: out of resources"),
    (0xFF00, 0xA900, Category.FAILURE, "Error: data set does not match SOP class"),
    (0xF000, 0xA000, Category.FAILURE, "Failure"),
    (0xF000, 0xB000, Category.WARNING, "Warning"),
    (0xF000, 0xC000, Category.FAILURE, "Error: cannot understand"),
    (0xFF00, 0x0100, Category.FAILURE, "Failure"),
    (0xFF00, 0x0200, Category.FAILURE, "Failure"),
)

# Every kind of error a use case may raise, and what a C-STORE SCU is told. B000 and the like are no errors; see storage.py.
STORE_STATUS: dict[Kind, int] = {
    Kind.INVALID: 0xC000,
    Kind.UNSUPPORTED: 0x0122,
    Kind.MISSING: 0x0110,
    Kind.CONFLICT: 0xA900,  # UIDs of the data set and of the command differ
    Kind.FORBIDDEN: 0x0124,
    Kind.UNAUTHENTICATED: 0x0124,
    Kind.TOO_LARGE: 0xA700,
    Kind.NO_SPACE: 0xA700,
    Kind.BUSY: 0xA700,  # what senders try again later
    Kind.BROKEN: 0x0110,
    Kind.AWAY: 0xA700,  # what senders try again later
}


# The same for all other services, whose own failures are few and answered by their handlers (PS3.7 Annex C).
GENERAL_STATUS: dict[Kind, int] = {
    Kind.INVALID: 0x0106,
    Kind.UNSUPPORTED: 0x0122,
    Kind.MISSING: 0x0112,
    Kind.CONFLICT: 0x0111,
    Kind.FORBIDDEN: 0x0124,
    Kind.UNAUTHENTICATED: 0x0124,
    Kind.TOO_LARGE: 0x0213,
    Kind.NO_SPACE: 0x0213,
    Kind.BUSY: 0x0213,
    Kind.BROKEN: 0x0110,
    Kind.AWAY: 0x0213,
}


def describe(code: int) -> Status:
    """The status for any code; one the standard does not list is a failure (PS3.7 C.1: an SCU treats unknown ones so)."""
    if known := STATUSES.get(code):
        return known
    for mask, value, category, text in _RANGES:
        if code & mask == value:
            return Status(code, category, text)
    return Status(code, Category.FAILURE, "Unknown status")


def offending_element(error: IsocenterError) -> tuple[int, ...]:
    """The tag (0000,0901) is to name, when `error.where` is an attribute keyword."""
    tag = attributes.tag_of(error.where) if error.where else None
    return () if tag is None else (tag,)
