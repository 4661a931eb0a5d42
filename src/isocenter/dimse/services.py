"""The services we offer as SCP: one table that drives negotiation, dispatch and the conformance statement.

Storage is not in the table, since it takes every SOP class that is not known to be something else (`storage.is_storage`).
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from isocenter.dicom import sop_classes, syntaxes
from isocenter.dicom.sop_classes import UPS_WATCH
from isocenter.dimse import (
    commitment,
    commitment_scu,
    finding,
    hanging,
    messages,
    mpps,
    printing,
    retrieving,
    status,
    storage,
    ups,
    verification,
    worklist,
)
from isocenter.dimse.dispatch import Drain, Handler, Operation, Request
from isocenter.dimse.exchange import MAX_DATA_SET, Exchange, Session, whole
from isocenter.dimse.exchange import Handler as ExchangeHandler
from isocenter.dimse.messages import CommandField
from isocenter.dimse.upper_layer.items import ContextResult, RoleSelection
from isocenter.dimse.upper_layer.pdu import AssociateRQ
from isocenter.domain.access import Permission, require
from isocenter.domain.dimse_services import DimseService
from isocenter.service.peers import Peer


@dataclass(frozen=True, slots=True)
class Service:
    """One service class as SCP. sop_classes: UID -> name; operations: what performs each DIMSE request.

    allowed_as: what a peer needs that may not use everything. needs: what whoever asks must be permitted, of every request at
    least this; None for what everybody may. extend: the answer to a requestor's extended negotiation.
    """

    name: str
    allowed_as: DimseService
    sop_classes: Mapping[str, str]
    operations: Mapping[CommandField, ExchangeHandler]
    needs: Permission | Mapping[CommandField, Permission] | None
    max_data_set: int = MAX_DATA_SET
    extend: Callable[[bytes], bytes] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.needs, Mapping) and not self.needs.keys() >= self.operations.keys():
            raise ValueError(f"{self.name}: a request without what it needs")

    def need(self, field: CommandField) -> Permission | None:
        """What a request needs at least."""
        return self.needs[field] if isinstance(self.needs, Mapping) else self.needs


# UPS: who may only read may also have themselves told (watch); all else changes a step.
_UPS = dict.fromkeys(CommandField, Permission.UPS_MANAGE) | dict.fromkeys(
    (CommandField.C_FIND_RQ, CommandField.N_GET_RQ), Permission.UPS_READ
)
_UPS_WATCH = _UPS | {CommandField.N_ACTION_RQ: Permission.UPS_READ}

SERVICES: tuple[Service, ...] = (
    Service("Verification", DimseService.VERIFICATION, {sop_classes.VERIFICATION: "Verification SOP Class"},
            {CommandField.C_ECHO_RQ: verification.echo}, None),
    Service("Query", DimseService.QUERY, finding.SOP_CLASSES, {CommandField.C_FIND_RQ: finding.find}, Permission.STUDY_QUERY,
            extend=finding.extend),
    Service("Retrieve by C-MOVE", DimseService.RETRIEVE, retrieving.MOVE_SOP_CLASSES, {CommandField.C_MOVE_RQ: retrieving.move},
            Permission.STUDY_READ, extend=retrieving.extend),
    Service("Retrieve by C-GET", DimseService.RETRIEVE, retrieving.GET_SOP_CLASSES, {CommandField.C_GET_RQ: retrieving.get},
            Permission.STUDY_READ, extend=retrieving.extend),
    Service("Storage Commitment", DimseService.STORAGE_COMMITMENT, commitment.SOP_CLASSES,
            {CommandField.N_ACTION_RQ: commitment.act, CommandField.N_EVENT_REPORT_RQ: commitment_scu.take},
            Permission.STUDY_STORE),
    *(Service("Print", DimseService.PRINT, {uid: name}, printing.OPERATIONS[uid], Permission.STUDY_STORE,
              printing.MAX_DATA_SET)
      for uid, name in printing.SOP_CLASSES.items()),
    Service("Basic Worklist Management", DimseService.WORKLIST, worklist.SOP_CLASSES, {CommandField.C_FIND_RQ: worklist.find},
            Permission.ORDER_READ),
    Service("Hanging Protocol Query", DimseService.QUERY, hanging.FIND_SOP_CLASSES, {CommandField.C_FIND_RQ: hanging.find},
            Permission.STUDY_QUERY),
    Service("Hanging Protocol Retrieve by C-MOVE", DimseService.RETRIEVE, hanging.MOVE_SOP_CLASSES,
            {CommandField.C_MOVE_RQ: hanging.move}, Permission.STUDY_READ),
    Service("Hanging Protocol Retrieve by C-GET", DimseService.RETRIEVE, hanging.GET_SOP_CLASSES,
            {CommandField.C_GET_RQ: hanging.get}, Permission.STUDY_READ),
    *(
        Service(f"Unified Procedure Step: {ups.SOP_CLASSES[uid].split(' ')[4]}", DimseService.UPS, {uid: ups.SOP_CLASSES[uid]},
                operations, _UPS_WATCH if uid == UPS_WATCH else _UPS, extend=ups.extend)
        for uid, operations in ups.OPERATIONS.items()
    ),
    Service("Modality Performed Procedure Step", DimseService.PROCEDURE_STEP, mpps.SOP_CLASSES,
            {CommandField.N_CREATE_RQ: mpps.create, CommandField.N_SET_RQ: mpps.change}, Permission.ORDER_PERFORM,
            mpps.MAX_DATA_SET),
    Service("Modality Performed Procedure Step Retrieve", DimseService.PROCEDURE_STEP, mpps.RETRIEVE_SOP_CLASSES,
            {CommandField.N_GET_RQ: mpps.get}, Permission.ORDER_READ),
)
_IMAGES = frozenset({"image", "multiframe"})
BY_SOP_CLASS: Mapping[str, Service] = MappingProxyType({uid: service for service in SERVICES for uid in service.sop_classes})


def allowed(peer: Peer | None, service: DimseService) -> bool:
    """Whether a caller may use a service: everybody who was let in, but a peer with services has only these."""
    return peer is None or not peer.services or service in peer.services


def scp_roles(request: AssociateRQ) -> frozenset[str]:
    """The SOP classes of which a requestor may be SCP (PS3.7 D.3.3.4).

    What it retrieves by C-GET is stored to it, and what we asked it to commit to it reports on (PS3.4 J.3.3).
    """
    return frozenset(
        each.sop_class_uid
        for each in request.find_all(RoleSelection)
        if each.scp_role and (storage.is_storage(each.sop_class_uid) or each.sop_class_uid in commitment.SOP_CLASSES)
    )


def choose(
    abstract_syntax: str, transfer_syntaxes: tuple[str, ...], *, peer: Peer | None = None, sent: Collection[str] = frozenset()
) -> str | ContextResult:
    """The transfer syntax taken for a proposed presentation context, or why there is none.

    What is to be stored is never transcoded on the way in: any transfer syntax will do, and the first is what the sender would
    rather send, unless it was told to us what it had better send (`preferred_syntaxes` of the peer). For SOP classes that we
    send (`sent`) it has to be one that everything can be sent in.
    """
    service = BY_SOP_CLASS.get(abstract_syntax)
    if service is not None:
        if not allowed(peer, service.allowed_as):
            return ContextResult.USER_REJECTION
        for transfer_syntax in syntaxes.OF_MESSAGES:
            if transfer_syntax in transfer_syntaxes:
                return transfer_syntax
        return ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED
    if storage.is_storage(abstract_syntax):
        # Who may only retrieve proposes these as well: C-GET brings the instances on the association that asks (PS3.4 C.4.3).
        if not (allowed(peer, DimseService.STORAGE) or allowed(peer, DimseService.RETRIEVE)):
            return ContextResult.USER_REJECTION
        preferred = peer.preferred_syntaxes if peer else ()
        if abstract_syntax in sent:
            sop_class = sop_classes.get(abstract_syntax)
            compressible = sop_class is not None and sop_class.kind in _IMAGES
            preferred = (*(preferred if compressible else ()), *syntaxes.OF_MESSAGES)
        return next((syntax for syntax in preferred if syntax in transfer_syntaxes), transfer_syntaxes[0])
    return ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED


def extend(sop_class_uid: str, information: bytes) -> bytes | None:
    """The answer to extended negotiation of a SOP class (PS3.7 D.3.3.5), None where nothing can be agreed on."""
    service = BY_SOP_CLASS.get(sop_class_uid)
    if service is not None:
        return service.extend(information) if service.extend else None
    return storage.EXTENDED if storage.is_storage(sop_class_uid) else None


def handler(session: Session, scp: storage.StorageSCP, request: Request) -> Handler | None:
    """Who performs a request on its presentation context; None when nobody does."""
    field = request.command.command_field
    if field == CommandField.C_STORE_RQ:
        return scp.store if allowed(session.peer, DimseService.STORAGE) else _refuse
    if field == CommandField.C_ECHO_RQ:  # on any context: some devices verify on the one they store with
        return whole(session, verification.echo)
    service = BY_SOP_CLASS.get(request.context.abstract_syntax)
    operation = None if service is None else service.operations.get(field)  # type: ignore[call-overload]  # an IntEnum is its number
    if service is None or operation is None:
        return None
    return whole(session, _permitted(operation, service.need(CommandField(field))), service.max_data_set)


def _permitted(operation: ExchangeHandler, needed: Permission | None) -> ExchangeHandler:
    """What is done, asked first whether it may be: so that no service can forget to."""

    def perform(exchange: Exchange) -> None:
        if needed is not None:
            require(exchange.session.principal, needed)
        operation(exchange)

    return perform


def _refuse(request: Request) -> Operation:
    """A peer whose services do not include this one."""
    return Drain(request, messages.response(request.command, status.NOT_AUTHORIZED))
