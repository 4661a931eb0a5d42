"""The shapes of what the API answers: the components of openapi.json, and what the tests hold every answer against."""

from collections.abc import Mapping

from isocenter.api.admin import ROLE
from isocenter.api.corrections import CORRECTION, SPLIT
from isocenter.api.deidentification import OPTION, PROJECT, REPORT
from isocenter.api.emergency import EMERGENCY
from isocenter.api.exceptions import KINDS, PROPOSAL
from isocenter.api.hanging import PROTOCOL
from isocenter.api.hl7 import MESSAGE
from isocenter.api.orders import ORDER
from isocenter.api.patient_lists import LIST
from isocenter.api.peers import FACTS
from isocenter.api.rejections import HOLD, REJECTION
from isocenter.api.remote import REMOTE_STUDY, RETRIEVAL
from isocenter.api.routing import PLACE, RULE
from isocenter.api.schema import Schema, array, boolean, integer, obj, or_null, ref, text
from isocenter.api.sensitive import MARK
from isocenter.api.sharing import RECEIVED, SHARE
from isocenter.api.webhooks import WEBHOOK
from isocenter.domain.access import Permission
from isocenter.domain.errors import Kind
from isocenter.domain.orders import OrderState
from isocenter.domain.sharing import Opens

_MOMENT = text("RFC 3339", format="date-time")
_STUDY = {
    "StudyInstanceUID": text(), "PatientName": text("PN, with its component groups"), "PatientID": text(),
    "IssuerOfPatientID": text(), "PatientBirthDate": text("DA"), "PatientSex": text(), "StudyDate": text("DA"),
    "StudyTime": text("TM"), "AccessionNumber": text(), "StudyDescription": text(), "ModalitiesInStudy": array(text()),
    "ReferringPhysicianName": text("PN"), "InstitutionName": text(), "NumberOfStudyRelatedSeries": integer(),
    "NumberOfStudyRelatedInstances": integer(), "received_at": _MOMENT,
    "procedure": text("where its order is; empty without one", enum=["", *OrderState]),
    "sensitive": boolean("only few may see it, or its patient's studies"),
}  # fmt: skip

_INSTANCE = obj(
    {"SOPInstanceUID": text(), "SOPClassUID": text(), "NumberOfFrames": integer("1 for a single image"),
     "Rows": integer("0: no pixels"), "Columns": integer("0: no pixels"), "TransferSyntaxUID": text()}
)  # fmt: skip

SCHEMAS: Mapping[str, Schema] = {
    "Error": obj(
        {
            "error": obj(
                {
                    "kind": text(enum=[kind.value for kind in Kind]),
                    "message": text("what happened"),
                    "where": text("the field, header or attribute it is about"),
                    "kept": text("what was kept safe"),
                    "hint": text("what to do about it"),
                }
            )
        }
    ),
    "Session": obj(
        {
            "user": obj(
                {"name": text(), "role": text("what the rights are called"),
                 "permissions": array(text(enum=[permission.value for permission in Permission]))}
            ),
            "csrf_token": text("to be sent as X-CSRF-Token with every request that changes something"),
            "idle_seconds": integer("the session ends after so long without a request"),
            "emergency": array(ref("Emergency"), "what is open to this session, and until when"),
            "to_review": integer("emergency accesses that nobody has reviewed; 0 for who does not review"),
            "link": or_null(obj(
                {"opens": text(enum=list(Opens)), "label": text(), "maker": text("who made it"), "expires_at": _MOMENT,
                 "download": boolean("files may be taken away"), "studies": array(text("a Study Instance UID"))},
                description="who comes by a link has no account: name, role and idle_seconds mean nothing then",
            )),
        }
    ),
    "Study": obj(_STUDY),
    "Prior": obj(
        {**_STUDY, "relevance": obj({"score": integer("0 to 100", minimum=0, maximum=100), "reason": text("in words")})}
    ),
    "HL7Message": MESSAGE,
    "Instance": _INSTANCE,
    "Series": obj(
        {
            "SeriesInstanceUID": text(), "Modality": text(), "SeriesNumber": or_null(integer()), "SeriesDescription": text(),
            "BodyPartExamined": text(), "NumberOfSeriesRelatedInstances": integer(), "SOPClassUIDs": array(text()),
            "first": {**ref("Instance"), "description": "by Instance Number"},
            "middle": {**ref("Instance"), "description": "stands for the series in a thumbnail"},
        }
    ),
    "Correction": CORRECTION,
    "Split": SPLIT,
    "Share": SHARE,
    "Received": RECEIVED,
    "Rejection": REJECTION,
    "Hold": HOLD,
    "Emergency": EMERGENCY,
    "SensitiveMark": MARK,
    "PatientList": LIST,
    "DeidentificationOption": OPTION,
    "DeidentificationReport": REPORT,
    "Project": PROJECT,
    "HangingProtocol": PROTOCOL,
    "RemoteStudy": REMOTE_STUDY,
    "Retrieval": RETRIEVAL,
    "Change": obj(
        {
            "seq": integer("grows by time"), "at": _MOMENT, "kind": text(), "subject": text("UID, account or address"),
            "actor": text(), "payload": {"type": "object", "description": "facts that depend on the kind"},
        }
    ),
    "AuditEntry": obj(
        {
            "seq": integer("grows by time"), "at": _MOMENT, "kind": text(), "event": text("of PS3.15 A.5.3"),
            "action": text("Create, Read, Update, Delete, Execute", enum=list("CRUDE")),
            "outcome": integer("0 success, 4 minor, 8 serious failure"), "actor": text(), "address": text("where the actor sits"),
            "subject": text("UID, account or address"), "study": text("Study Instance UID, or empty"),
            "patient": {"type": "object", "description": "keyword -> text, of a study that is here"},
            "payload": {"type": "object", "description": "facts that depend on the kind"},
        }
    ),
    "UploadResult": obj(
        {
            "name": text("the file, or zip/entry"),
            "status": text(enum=["stored", "duplicate", "version", "quarantined", "refused"]),
            "reason": text("why, or what was tolerated"), "StudyInstanceUID": text(), "SOPInstanceUID": text(),
        }
    ),
    "Exception": obj(
        {
            "id": integer(), "kind": text(enum=KINDS), "reason": text(), "where": text("attribute"), "StudyInstanceUID": text(),
            "SeriesInstanceUID": text(), "SOPInstanceUID": text(), "SOPClassUID": text(),
            "kept": boolean("its bytes can be downloaded"), "size": integer("bytes"), "source": text(),
            "source_aet": text(), "address": text(), "actor": text(), "occurrences": integer(), "first_at": _MOMENT,
            "last_at": _MOMENT, "dismissed_at": or_null(_MOMENT), "dismissed_by": text(),
            "proposal": PROPOSAL,
        }
    ),
    "User": obj(
        {
            "name": text(), "role": ROLE, "referrer_name": text("PN"), "studies": text("all it may see; empty: no limit"),
            "disabled": boolean(), "provider": boolean("signs in with the institution's provider, too"), "created_at": _MOMENT,
            "password_changed_at": _MOMENT,
        }
    ),
    "Token": obj(
        {
            "id": integer(), "user": text(), "name": text(), "role": or_null(text("narrower than the account's")),
            "permissions": array(text("what it may do of that; none: all")),
            "created_at": _MOMENT, "expires_at": or_null(_MOMENT), "used_at": or_null(_MOMENT),
        }
    ),
    "SignedIn": obj(
        {
            "id": text(), "user": text(), "address": text("from where it began"), "created_at": _MOMENT, "seen_at": _MOMENT,
            "this": boolean(),
        }
    ),
    "Order": ORDER,
    "Webhook": WEBHOOK,
    "Peer": obj(
        {
            "aet": text(), **FACTS, "created_at": _MOMENT, "last_seen_at": or_null(_MOMENT),
            "associations": integer("since it was added"), "instances": integer("received from it since it was added"),
        }
    ),
    "Destination": obj(
        {
            "name": text(), "kind": text(enum=["dicom", "dicomweb", "folder"]), "has_secret": boolean(),
            **{name: schema for name, schema in PLACE.items() if name != "secret"},
            "waiting": integer("deliveries"), "failed": integer("deliveries"), "sent": integer("deliveries"),
        }
    ),
    "Route": obj({"id": integer(), **RULE, "created_at": _MOMENT, "updated_at": _MOMENT}),
    "Delivery": obj(
        {
            "id": integer(), "StudyInstanceUID": text(), "PatientName": text("PN"), "PatientID": text(), "StudyDate": text("DA"),
            "StudyDescription": text(), "destination": text(), "route": text("the rule that began it; empty: a person"),
            "state": text(enum=["waiting", "queued", "sending", "sent", "failed", "cancelled"]),
            "held": text("why nothing is sent to its destination now", enum=["", "paused", "hours"]),
            "reason": text("why it failed last"), "attempts": integer("that failed, in a row"), "instances": integer(),
            "sent": integer("instances"), "failed": integer("instances"), "created_at": _MOMENT, "updated_at": _MOMENT,
            "due_at": _MOMENT,
        }
    ),
}  # fmt: skip
