"""Storage service class, SCP: C-STORE straight into the archive (PS3.4 Annex B, PS3.7 9.1.1).

The data set is streamed into the one door, `service/ingest`, behind a file meta group made from the command set and the
presentation context. Success is the last thing that happens: after `Reception.finish` has made the instance durable.
"""

import logging
from collections import Counter

from isocenter import metrics
from isocenter.dicom import part10, sop_classes
from isocenter.dicom.alike import Alike
from isocenter.dimse import messages, status
from isocenter.dimse.dispatch import Drain, Operation, Request
from isocenter.dimse.messages import Command
from isocenter.domain.access import Principal
from isocenter.domain.errors import IsocenterError
from isocenter.domain.imaging import Outcome
from isocenter.service import ingest
from isocenter.service.context import Context

log = logging.getLogger(__name__)

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


# PS3.4 B.3.1: Level 2 (Full) support; digital signatures are kept as they are (level 3); elements are not coerced.
EXTENDED = bytes((2, 0, 3, 0, 1, 0))


class StorageSCP:
    """C-STORE on one association. `answered` counts the answers by category (Success, Warning, Failure).

    issuer: of the Patient IDs that the sender sends without one.
    """

    def __init__(
        self, context: Context, principal: Principal, calling_ae_title: str, called_ae_title: str, issuer: str = ""
    ) -> None:
        self.calling_ae_title = calling_ae_title
        self.called_ae_title = called_ae_title
        self.answered: Counter[str] = Counter()
        self._context = context
        self._principal = principal
        self._issuer = issuer
        self._alike = Alike()
        self._ahead: ingest.Reception | None = None

    def store(self, request: Request) -> Operation:
        """The handler of C-STORE-RQ."""
        refusal = _refusal(request.command, request.context.abstract_syntax)
        if refusal is None:
            try:
                return _Store(self, request, self._begin())
            except IsocenterError as error:
                refusal = failure(request.command, error)
            except Exception:  # noqa: BLE001  logged and answered
                refusal = _broken(request.command)
        self.refused()
        self.answered[status.describe(refusal.status or 0).category] += 1
        return Drain(request, refusal)

    def answer(self, request: Request, response: Command) -> None:
        """Send the answer of a C-STORE and count it."""
        self.answered[status.describe(response.status or 0).category] += 1
        request.answer(response)

    def open_ahead(self) -> None:
        """Make the file for the next instance now, while the sender fetches that: it takes 0.1 to 0.3 ms."""
        try:
            self._ahead = self._begin()
        except Exception:  # noqa: BLE001  `store` meets it again, if it lasts, and answers
            self._ahead = None

    def close(self) -> None:
        """The association has ended."""
        if self._ahead is not None:
            self._ahead.discard()

    def _begin(self) -> ingest.Reception:
        ahead, self._ahead = self._ahead, None
        return ahead or ingest.begin(
            self._context,
            self._principal,
            source="dimse",
            calling_aet=self.calling_ae_title,
            called_aet=self.called_ae_title,
            issuer=self._issuer,
            alike=self._alike,
        )

    def refused(self) -> None:
        """Count an instance that did not come as far as `Reception.finish`, which counts all others."""
        metrics.instance("dimse", "refused", peer=self.calling_ae_title)


class _Store:
    """One instance coming in. After the first error nothing more is kept, the rest is drained and the error answered."""

    def __init__(self, scp: StorageSCP, request: Request, reception: ingest.Reception) -> None:
        self._scp = scp
        self._request = request
        self._reception = reception
        self._failure: Command | None = None
        # The file meta group waits for the first fragments, so that both go out in one writev.
        self._file_meta = part10.file_meta(
            request.command.affected_sop_class_uid or "",
            request.command.affected_sop_instance_uid or "",
            request.context.transfer_syntax,
            source_ae=scp.calling_ae_title,
            receiving_ae=scp.called_ae_title,
        )

    def write(self, fragments: list[memoryview]) -> None:
        if self._failure is not None:
            return
        try:
            if self._file_meta:
                self._reception.write(self._file_meta, *fragments)
                self._file_meta = b""
            else:
                self._reception.write(*fragments)
            return
        except IsocenterError as error:
            self._failure = failure(self._request.command, error)
        except Exception:  # noqa: BLE001  logged and answered
            self._failure = _broken(self._request.command)
        self._reception.discard()
        self._scp.refused()

    def finish(self) -> None:
        try:
            self._scp.answer(self._request, self._failure or self._finish())
        finally:
            self._reception.discard()
        self._scp.open_ahead()

    def discard(self) -> None:
        self._reception.discard()

    def _finish(self) -> Command:
        command = self._request.command
        try:
            outcome = self._reception.finish(
                command_sop_class_uid=command.affected_sop_class_uid,
                command_sop_instance_uid=command.affected_sop_instance_uid,
            )
            return success(command, outcome)
        except IsocenterError as error:
            return failure(command, error)
        except Exception:  # noqa: BLE001  logged and answered
            return _broken(command)


def _refusal(command: Command, abstract_syntax: str) -> Command | None:
    """The answer to a C-STORE-RQ that can be refused by its command set alone, or None."""
    for tag, uid in (
        (AFFECTED_SOP_CLASS_UID, command.affected_sop_class_uid),
        (AFFECTED_SOP_INSTANCE_UID, command.affected_sop_instance_uid),
    ):
        if not uid or len(uid) > MAX_UID:
            comment = "UID missing or far too long"
            return messages.response(command, status.UNABLE_TO_PROCESS, offending_element=(tag,), error_comment=comment)
    if not command.has_data_set:
        return messages.response(command, status.UNABLE_TO_PROCESS, error_comment="C-STORE without a data set")
    if not (is_storage(abstract_syntax) and is_storage(command.affected_sop_class_uid or "")):
        tags, comment = (AFFECTED_SOP_CLASS_UID,), "no storage SOP class"
        return messages.response(command, status.SOP_CLASS_NOT_SUPPORTED, offending_element=tags, error_comment=comment)
    return None


def success(command: Command, outcome: Outcome) -> Command:
    """The answer when the instance is safe: Success, or a Warning when it waits in quarantine."""
    if outcome.status == "quarantined":
        return messages.response(command, QUARANTINED, error_comment=f"quarantined: {outcome.reason}")
    return messages.response(command, status.SUCCESS)


def failure(command: Command, error: IsocenterError) -> Command:
    """The answer to an error of the use case."""
    code = status.STORE_STATUS[error.kind]
    log.warning("C-STORE refused", extra={"facts": {"status": f"{code:04X}", "kind": error.kind, "reason": error.message}})
    return messages.response(command, code, offending_element=status.offending_element(error), error_comment=error.message)


def _broken(command: Command) -> Command:
    """The answer to a fault of ours that nobody foresaw: the sender is told, whatever broke."""
    log.exception("C-STORE failed")
    return messages.response(command, status.PROCESSING_FAILURE, error_comment="the archive failed; nothing was kept")
