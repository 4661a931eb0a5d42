"""The kinds of rows of the change log: what happened to whom, by whom. `subject:verb` in the past tense, alphabetical.

A row's subject is the UID, account or address it is about; its payload holds UIDs, counts and reasons, never patient data.
"""

from enum import StrEnum


class Event(StrEnum):
    """The closed set of change kinds that the archive itself writes."""

    ACCOUNT_CREATED = "account.created"
    ACCOUNT_UPDATED = "account.updated"
    EXCEPTION_DISMISSED = "exception.dismissed"
    EXCEPTION_READ = "exception.read"
    INSTANCE_QUARANTINED = "instance.quarantined"
    INSTANCE_REFUSED = "instance.refused"
    INSTANCE_STORED = "instance.stored"
    INSTANCE_VERSION = "instance.version"
    LOGIN_FAILED = "login.failed"
    ORDER_CREATED = "order.created"
    ORDER_READ = "order.read"
    ORDER_REMOVED = "order.removed"
    ORDER_SEARCHED = "order.searched"
    ORDER_UPDATED = "order.updated"
    PATIENT_CONFLICT = "patient.conflict"
    PEER_CREATED = "peer.created"
    PEER_REMOVED = "peer.removed"
    PEER_UPDATED = "peer.updated"
    PROCEDURE_COMPLETED = "procedure.completed"
    PROCEDURE_DISCONTINUED = "procedure.discontinued"
    PROCEDURE_STARTED = "procedure.started"
    REMOTE_SEARCHED = "remote.searched"
    RETRIEVAL_ASKED = "retrieval.asked"
    RETRIEVAL_CANCELLED = "retrieval.cancelled"
    RETRIEVAL_ENDED = "retrieval.ended"
    SESSION_BEGUN = "session.begun"
    SESSION_ENDED = "session.ended"
    STUDY_CREATED = "study.created"
    STUDY_READ = "study.read"
    STUDY_SEARCHED = "study.searched"
    STUDY_SENT = "study.sent"
    TOKEN_CREATED = "token.created"
    TOKEN_REVOKED = "token.revoked"
