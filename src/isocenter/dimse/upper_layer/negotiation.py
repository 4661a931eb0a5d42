"""What an association request gets for an answer: pure functions from A-ASSOCIATE-RQ to A-ASSOCIATE-AC or -RJ."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from isocenter.dicom import uid
from isocenter.dimse.upper_layer.items import (
    APPLICATION_CONTEXT_NAME,
    AsynchronousOperationsWindow,
    ContextResult,
    ExtendedNegotiation,
    ImplementationClassUID,
    ImplementationVersionName,
    MaximumLength,
    PresentationContextAC,
    PresentationContextRQ,
    RoleSelection,
    UserIdentityAC,
    UserInformationItem,
)
from isocenter.dimse.upper_layer.pdu import (
    APPLICATION_CONTEXT_NAME_NOT_SUPPORTED,
    NO_REASON_GIVEN,
    PROTOCOL_VERSION_NOT_SUPPORTED,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
)

# Below this the PDVs are nearly all header; a peer that says so is misconfigured (0 is something else: no limit, PS3.8 D.1).
MIN_MAXIMUM_LENGTH = 64


# Requests a peer may send before the first of them is answered, when it negotiates that (PS3.7 D.3.3.3).
WINDOW = 16


@dataclass(frozen=True, slots=True)
class PresentationContext:
    """An accepted presentation context: what its messages mean and how their data sets are encoded."""

    context_id: int
    abstract_syntax: str
    transfer_syntax: str


Choose = Callable[[str, tuple[str, ...]], "str | ContextResult"]
"""From an abstract syntax and the proposed transfer syntaxes, in the requestor's order: the syntax taken, or why none is."""


def unacceptable(request: AssociateRQ) -> AssociateRJ | None:
    """What the service-provider itself refuses, before any policy is asked (PS3.8 9.3.4)."""
    if not request.protocol_version & 1:  # PS3.8 9.3.2: bit 0 is version 1; other bits shall not be tested
        return PROTOCOL_VERSION_NOT_SUPPORTED
    if request.application_context_name != APPLICATION_CONTEXT_NAME:
        return APPLICATION_CONTEXT_NAME_NOT_SUPPORTED
    if not request.presentation_contexts or 0 < request.maximum_length < MIN_MAXIMUM_LENGTH:
        return NO_REASON_GIVEN
    return None


Extend = Callable[[str, bytes], "bytes | None"]
"""From a SOP class and the requestor's service-class-application-information: ours, or None when there is nothing to agree on."""


def accept(
    request: AssociateRQ,
    choose: Choose,
    *,
    maximum_length: int,
    scp_roles: Collection[str] = frozenset(),
    extend: Extend = lambda sop_class_uid, information: None,
    identity: Sequence[UserIdentityAC] = (),
) -> AssociateAC:
    """The A-ASSOCIATE-AC for a request that policy lets in. maximum_length: the largest P-DATA-TF we ask for.

    scp_roles: SOP classes of which the requestor may be SCP, because we are SCU towards it. identity: the answer to its user.
    """
    contexts = tuple(_context(context, choose) for context in request.presentation_contexts)
    return AssociateAC(
        user_information=(
            MaximumLength(maximum_length),
            ImplementationClassUID(uid.IMPLEMENTATION_CLASS_UID),
            *_asynchronous_operations(request),
            *_roles(request, scp_roles),
            *_extended(request, contexts, extend),
            *identity,
            ImplementationVersionName(uid.IMPLEMENTATION_VERSION_NAME),
        ),
        called_ae_title=request.called_ae_title,
        calling_ae_title=request.calling_ae_title,
        presentation_contexts=contexts,
    )


def accepted_contexts(request: AssociateRQ, answer: AssociateAC) -> dict[int, PresentationContext]:
    """Presentation contexts both sides agreed on, by ID. An answer to something never proposed does not count."""
    proposed = {context.context_id: context for context in request.presentation_contexts}
    return {
        each.context_id: PresentationContext(each.context_id, proposed[each.context_id].abstract_syntax, each.transfer_syntax)
        for each in answer.presentation_contexts
        if each.result == ContextResult.ACCEPTANCE
        and each.context_id in proposed
        and each.transfer_syntax in proposed[each.context_id].transfer_syntaxes
    }


def _context(context: PresentationContextRQ, choose: Choose) -> PresentationContextAC:
    if not context.transfer_syntaxes:
        return PresentationContextAC(context.context_id, ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED, "")
    chosen = choose(context.abstract_syntax, context.transfer_syntaxes)
    if isinstance(chosen, str):
        return PresentationContextAC(context.context_id, ContextResult.ACCEPTANCE, chosen)
    # PS3.8 9.3.3.2: the transfer syntax is not significant then; some requestors stumble over an empty one.
    return PresentationContextAC(context.context_id, chosen, context.transfer_syntaxes[0])


def _asynchronous_operations(request: AssociateRQ) -> list[UserInformationItem]:
    # PS3.7 D.3.3.3: answered only when asked, never with more (0 is no limit). Requests that come early wait in line; of our own
    # sub-operations there is one at a time.
    asked = request.find(AsynchronousOperationsWindow)
    if asked is None:
        return []
    return [AsynchronousOperationsWindow(min(asked.maximum_number_operations_invoked or WINDOW, WINDOW), 1)]


def _extended(request: AssociateRQ, contexts: Sequence[PresentationContextAC], extend: Extend) -> list[UserInformationItem]:
    """PS3.7 D.3.3.5: only of SOP classes that were accepted, each once."""
    accepted = {
        proposed.abstract_syntax
        for proposed, context in zip(request.presentation_contexts, contexts, strict=True)
        if context.result == ContextResult.ACCEPTANCE
    }
    asked = {each.sop_class_uid: each.service_class_application_information for each in request.find_all(ExtendedNegotiation)}
    answers = {uid: extend(uid, information) for uid, information in asked.items() if uid in accepted}
    return [ExtendedNegotiation(uid, answer) for uid, answer in answers.items() if answer is not None]


def _roles(request: AssociateRQ, scp_roles: Collection[str]) -> list[UserInformationItem]:
    # PS3.7 D.3.3.4: the acceptor may agree to a role or turn it down, and answers only what was asked.
    return [
        RoleSelection(each.sop_class_uid, each.scu_role, each.scp_role and each.sop_class_uid in scp_roles)
        for each in request.find_all(RoleSelection)
    ]
