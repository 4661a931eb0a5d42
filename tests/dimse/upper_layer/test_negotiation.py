"""What a request is answered: pure functions, no socket."""

from dataclasses import replace

import pytest

from isocenter.dimse.services import choose
from isocenter.dimse.upper_layer import negotiation, pdu
from isocenter.dimse.upper_layer.items import (
    AsynchronousOperationsWindow,
    ContextResult,
    ExtendedNegotiation,
    MaximumLength,
    PresentationContextAC,
    PresentationContextRQ,
    RoleSelection,
    UserIdentityAC,
    UserIdentityRQ,
)

CT = "1.2.840.10008.5.1.4.1.1.2"
IMPLICIT, EXPLICIT, JPEG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.70"
REQUEST = pdu.AssociateRQ((MaximumLength(16384),), "ISOCENTER", "MODALITY", (PresentationContextRQ(1, CT, (IMPLICIT,)),))


def answer(*contexts: tuple[str, tuple[str, ...]], **user_information: object) -> pdu.AssociateAC:
    proposed = tuple(PresentationContextRQ(2 * number + 1, *context) for number, context in enumerate(contexts))
    request = replace(REQUEST, presentation_contexts=proposed, **user_information)
    return negotiation.accept(request, choose, maximum_length=131072)


@pytest.mark.parametrize(
    ("abstract_syntax", "transfer_syntaxes", "taken"),
    [
        (CT, (JPEG, EXPLICIT, IMPLICIT), JPEG),
        (CT, (EXPLICIT, IMPLICIT, JPEG), EXPLICIT),
        (CT, ("1.3.6.1.4.1.99999.1",), "1.3.6.1.4.1.99999.1"),
        ("1.3.46.670589.11.0.0.12.1", (IMPLICIT,), IMPLICIT),
        ("1.2.840.10008.5.1.4.1.1.999.9", (IMPLICIT,), IMPLICIT),
        ("1.2.840.10008.1.1", (IMPLICIT, EXPLICIT), EXPLICIT),
    ],
    ids=[
        "as the sender would rather send",
        "in the sender's order",
        "private transfer syntax",
        "private SOP class",
        "SOP class of a later edition",
        "verification",
    ],
)
def test_accepted(abstract_syntax: str, transfer_syntaxes: tuple[str, ...], taken: str) -> None:
    (context,) = answer((abstract_syntax, transfer_syntaxes)).presentation_contexts
    assert context == PresentationContextAC(1, ContextResult.ACCEPTANCE, taken)


@pytest.mark.parametrize(
    "abstract_syntax",
    [
        "1.2.840.10008.5.1.4.39.3",
        "1.2.840.10008.5.1.4.32.1",
        "1.2.840.10008.1.9",
        "1.2.840.10008.5.1.1.26",
        "1.2.840.10008.1.3.10",
        "1.2.840.10008.3.1.2.1.1",
        IMPLICIT,
        "",
    ],
    ids=[
        "color palette move",
        "general purpose worklist, retired",
        "study content notification",
        "print queue management, retired",
        "media storage directory",
        "detached patient management, retired",
        "no SOP class",
        "empty",
    ],
)
def test_services_that_are_no_storage_are_not_accepted(abstract_syntax: str) -> None:
    (context,) = answer((abstract_syntax, (IMPLICIT,))).presentation_contexts
    assert context.result == ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED


def test_a_context_without_transfer_syntaxes() -> None:
    (context,) = answer((CT, ())).presentation_contexts
    assert context.result == ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED


def test_every_context_is_answered_in_order_and_only_accepted_ones_count() -> None:
    ac = answer((CT, (IMPLICIT,)), ("1.2.840.10008.5.1.4.32.1", (IMPLICIT,)), (CT, (JPEG,)))
    assert [(context.context_id, context.result) for context in ac.presentation_contexts] == [(1, 0), (3, 3), (5, 0)]
    request = replace(
        REQUEST, presentation_contexts=(PresentationContextRQ(1, CT, (IMPLICIT,)), PresentationContextRQ(5, CT, (JPEG,)))
    )
    assert negotiation.accepted_contexts(request, ac) == {
        1: negotiation.PresentationContext(1, CT, IMPLICIT),
        5: negotiation.PresentationContext(5, CT, JPEG),
    }


def test_an_acceptor_that_picks_what_was_not_proposed_is_not_believed() -> None:
    ac = pdu.AssociateAC((), "A", "B", (PresentationContextAC(1, 0, JPEG), PresentationContextAC(7, 0, IMPLICIT)))
    assert negotiation.accepted_contexts(REQUEST, ac) == {}


def test_titles_are_sent_back_as_received_and_we_introduce_ourselves() -> None:
    ac = answer((CT, (IMPLICIT,)))
    assert (ac.called_ae_title, ac.calling_ae_title) == ("ISOCENTER", "MODALITY")
    assert ac.maximum_length == 131072
    assert ac.implementation == "ISOCENTER_0_1"


def test_asynchronous_operations_roles_and_identity() -> None:
    ac = answer(
        (CT, (IMPLICIT,)),
        user_information=(
            AsynchronousOperationsWindow(0, 8),
            RoleSelection(CT, True, True),
            ExtendedNegotiation(CT, b"\1\1"),
            UserIdentityRQ(2, True, b"user", b"secret"),
        ),
    )
    assert ac.find(AsynchronousOperationsWindow) == AsynchronousOperationsWindow(negotiation.WINDOW, 1)
    fewer = answer((CT, (IMPLICIT,)), user_information=(AsynchronousOperationsWindow(3, 1),))
    assert fewer.find(AsynchronousOperationsWindow) == AsynchronousOperationsWindow(3, 1), "never more than offered"
    assert ac.find(RoleSelection) == RoleSelection(CT, True, False)
    assert ac.find(UserIdentityAC) is None, "not supported, so not answered (PS3.7 D.3.3.7)"
    assert answer((CT, (IMPLICIT,))).find(AsynchronousOperationsWindow) is None, "not asked, so not answered"


@pytest.mark.parametrize(
    ("request_", "rejection"),
    [
        (REQUEST, None),
        (replace(REQUEST, protocol_version=3), None),  # bit 0 is what counts
        (replace(REQUEST, protocol_version=2), pdu.PROTOCOL_VERSION_NOT_SUPPORTED),
        (replace(REQUEST, application_context_name="1.2.3"), pdu.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED),
        (replace(REQUEST, presentation_contexts=()), pdu.NO_REASON_GIVEN),
        (replace(REQUEST, user_information=(MaximumLength(8),)), pdu.NO_REASON_GIVEN),
        (replace(REQUEST, user_information=(MaximumLength(0),)), None),
    ],
)
def test_what_the_service_provider_refuses(request_: pdu.AssociateRQ, rejection: pdu.AssociateRJ | None) -> None:
    assert negotiation.unacceptable(request_) == rejection
