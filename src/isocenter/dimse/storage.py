"""Storage service class, SCP: C-STORE straight into the archive (PS3.4 Annex B, PS3.7 9.1.1).

The data set is streamed into the one door, `service/ingest`, behind a file meta group made from the command set and the
presentation context. Success is the last thing that happens: after `Reception.finish` has made the instance durable.
"""

import logging
from functools import partial

from isocenter.dicom import part10, sop_classes
from isocenter.dimse import messages, status
from isocenter.dimse.dispatch import Drain, Handler, Operation, Request
from isocenter.domain.access import Principal
from isocenter.domain.errors import IsocenterError
from isocenter.domain.imaging import Outcome
from isocenter.service import ingest
from isocenter.service.context import Context

log = logging.getLogger(__name__)

CANNOT_UNDERSTAND = 0xC000
PROCESSING_FAILURE = 0x0110
SOP_CLASS_NOT_SUPPORTED = 0x0122
# PS3.4 B.2.3 has no "kept, but a person must look at it"; a Warning is what stays visible in the sender's log.
QUARANTINED = 0xB000

# Twice what PS3.5 9.1 allows: over-long UIDs are to reach quarantine, where somebody sees them, and not just a log.
MAX_UID = 128

AFFECTED_SOP_CLASS_UID = 0x00000002
AFFECTED_SOP_INSTANCE_UID = 0x00001000


def is_storage(abstract_syntax: str) -> bool:
    """Whether an abstract syntax is taken as a storage SOP class: every one that is not known to be something else.

    Private classes and those of later editions are stored like any other object.
    """
    return bool(abstract_syntax) and abstract_syntax not in sop_classes.OTHER


def store(context: Context, principal: Principal, calling_ae_title: str, called_ae_title: str) -> Handler:
    """The handler of C-STORE-RQ for one association."""
    begin = partial(ingest.begin, context, principal, source="dimse", calling_aet=calling_ae_title, called_aet=called_ae_title)

    def handle(request: Request) -> Operation:
        refusal = _refusal(request)
        if refusal is not None:
            return Drain(request, refusal)
        try:
            reception = begin()
        except IsocenterError as error:
            return Drain(request, failure(request, error))
        except Exception:  # noqa: BLE001  the sender is answered, whatever broke
            return Drain(request, _broken(request))
        return StoreOperation(request, reception, calling_ae_title, called_ae_title)

    return handle


def _refusal(request: Request) -> messages.Command | None:
    """The answer to a C-STORE-RQ that can be refused by its command set alone, or None."""
    command = request.command
    refuse = partial(messages.response, command)
    for tag, uid in (
        (AFFECTED_SOP_CLASS_UID, command.affected_sop_class_uid),
        (AFFECTED_SOP_INSTANCE_UID, command.affected_sop_instance_uid),
    ):
        if not uid or len(uid) > MAX_UID:
            return refuse(CANNOT_UNDERSTAND, offending_element=(tag,), error_comment="UID missing or far too long")
    if not command.has_data_set:
        return refuse(CANNOT_UNDERSTAND, error_comment="C-STORE without a data set")
    if not (is_storage(request.context.abstract_syntax) and is_storage(command.affected_sop_class_uid or "")):
        return refuse(SOP_CLASS_NOT_SUPPORTED, offending_element=(AFFECTED_SOP_CLASS_UID,), error_comment="no storage SOP class")
    return None


class StoreOperation:
    """One instance coming in. After the first error nothing more is kept, the rest is drained and the error answered."""

    def __init__(self, request: Request, reception: ingest.Reception, calling_ae_title: str, called_ae_title: str) -> None:
        self._request = request
        self._reception = reception
        self._failure: messages.Command | None = None
        # The file meta group waits for the first fragments, so that both go out in one writev.
        self._file_meta: bytes | None = part10.file_meta(
            request.command.affected_sop_class_uid or "",
            request.command.affected_sop_instance_uid or "",
            request.context.transfer_syntax,
            source_ae=calling_ae_title,
            receiving_ae=called_ae_title,
        )

    def write(self, fragments: list[memoryview]) -> None:
        if self._failure is not None:
            return
        try:
            if self._file_meta is not None:
                self._reception.write(self._file_meta, *fragments)
                self._file_meta = None
            else:
                self._reception.write(*fragments)
        except IsocenterError as error:
            self._fail(failure(self._request, error))
        except Exception:  # noqa: BLE001  the sender is answered, whatever broke
            self._fail(_broken(self._request))

    def finish(self) -> None:
        answer = self._failure
        if answer is None:
            command = self._request.command
            try:
                outcome = self._reception.finish(
                    command_sop_class_uid=command.affected_sop_class_uid,
                    command_sop_instance_uid=command.affected_sop_instance_uid,
                )
                answer = success(self._request, outcome)
            except IsocenterError as error:
                answer = failure(self._request, error)
            except Exception:  # noqa: BLE001  the sender is answered, whatever broke
                answer = _broken(self._request)
            finally:
                self._reception.discard()
        self._request.answer(answer)

    def discard(self) -> None:
        self._reception.discard()

    def _fail(self, answer: messages.Command) -> None:
        self._failure = answer
        self._reception.discard()


def success(request: Request, outcome: Outcome) -> messages.Command:
    """The answer when the instance is safe: Success, or a Warning when it waits in quarantine."""
    if outcome.status == "quarantined":
        return messages.response(request.command, QUARANTINED, error_comment=f"quarantined: {outcome.reason}")
    return messages.response(request.command, status.SUCCESS)


def failure(request: Request, error: IsocenterError) -> messages.Command:
    """The answer to an error of the use case."""
    code = status.STORE_STATUS[error.kind]
    log.warning("C-STORE refused", extra={"facts": {"status": f"{code:04X}", "kind": error.kind, "reason": error.message}})
    return messages.response(
        request.command, code, offending_element=status.offending_element(error), error_comment=error.message
    )


def _broken(request: Request) -> messages.Command:
    log.exception("C-STORE failed")
    return messages.response(request.command, PROCESSING_FAILURE, error_comment="the archive failed; nothing was kept")
