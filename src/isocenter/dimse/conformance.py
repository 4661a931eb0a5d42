"""The conformance statement (PS3.2), put together from the tables that drive negotiation, matching and answers.

Its outline is that of the template of PS3.2 Annex A, the one that those who compare statements know; a test compares what it says
with what a probing association gets.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydicom.uid import UID

from isocenter import __version__
from isocenter.codecs import formats
from isocenter.dicom import attributes, charset, extra, sop_classes, syntaxes, uid, worklist
from isocenter.dicom.attributes import Attribute, Matching
from isocenter.dimse import client, finding, hanging, identity, printing, querying, services, status, storage, tls
from isocenter.dimse import conformance_text as words
from isocenter.dimse.messages import CommandField
from isocenter.dimse.upper_layer import items, negotiation, pdu
from isocenter.domain.conformance import ANY_SYNTAX, Offered, Section, Statement, Table
from isocenter.settings import SETTINGS, Settings

PRODUCT = "Isocenter"
STORAGE = "Storage"

_KEYS = {"U": "unique", "R": "required", "O": "optional"}
_MATCHING = {
    Matching.SINGLE: "single value", Matching.UID: "single value, list of UID", Matching.TEXT: "single value, wildcard",
    Matching.NAME: "single value, wildcard; case and accents ignored, every component group, umlauts spelled either way",
    Matching.DATE: "single value, range", Matching.TIME: "single value, range", Matching.NONE: "returned, not matched",
}  # fmt: skip


def statement(settings: Settings) -> Statement:
    """What this archive is able to, as it is configured."""
    offered = offers()
    sections = (
        Section("Conformance Statement Overview", words.OVERVIEW, _overview(offered)),
        Section("Table of Contents", lists_sections=True),
        Section("Introduction", (), (), tuple(Section(title, (text,)) for title, text in words.INTRODUCTION)),
        _networking(settings, offered),
        Section("Media Interchange", words.MEDIA),
        Section("Support of Character Sets", words.CHARACTER_SETS, (_character_sets(),)),
        _security(settings),
        _annexes(),
    )
    return Statement(PRODUCT, __version__, settings.aet, offered, sections)


def offers() -> tuple[Offered, ...]:
    """Every SOP class we are SCP of, from the table of services, and every storage SOP class of our edition."""
    of_messages = tuple(syntaxes.OF_MESSAGES)
    network = tuple(
        Offered(sop_class, name, service.name, of_messages, tuple(_operation(field) for field in service.operations))
        for service in services.SERVICES
        for sop_class, name in service.sop_classes.items()
    )
    storage = (
        Offered(each.uid, each.name, STORAGE, (ANY_SYNTAX,), (_operation(CommandField.C_STORE_RQ),))
        for each in sorted(sop_classes.STORAGE.values(), key=lambda one: one.name)
    )
    return (*network, *storage)


def _operation(field: CommandField) -> str:
    """C_ECHO_RQ -> C-ECHO"""
    return field.name.removesuffix("_RQ").replace("_", "-")


def name_of(sop_class_uid: str) -> str:
    """The name of a SOP class or transfer syntax."""
    service = services.BY_SOP_CLASS.get(sop_class_uid)
    if service is not None:
        return service.sop_classes[sop_class_uid]
    syntax = syntaxes.get(sop_class_uid)
    return syntax.name if syntax else UID(sop_class_uid).name


@dataclass(frozen=True, slots=True)
class Requested:
    """SOP classes that we open associations for. roles: ours."""

    service: str
    sop_classes: tuple[str, ...]
    roles: tuple[str, ...]
    why: str
    transfer_syntaxes: tuple[str, ...] = syntaxes.OF_MESSAGES


_SCU, _SCP = "SCU", "SCP"
_REQUESTED = (
    *(Requested("Verification", (each,), (_SCU,), "a person asks whether a peer is there", proposed)
      for each, proposed in client.VERIFICATION_CONTEXTS),
    Requested("Query/Retrieve", (*querying.FIND, *querying.MOVE, *querying.GET), (_SCU,),
              "a person searches another archive, or a study is not here"),
    Requested("Storage Commitment", (sop_classes.STORAGE_COMMITMENT_PUSH_MODEL,), (_SCU, _SCP),
              "SCU: a peer is asked to keep what was sent; SCP: a peer that asked is told"),
    Requested("Unified Procedure Step", (sop_classes.UPS_EVENT,), (_SCP,), "subscribers are told of events"),
    Requested("Instance Availability Notification", (sop_classes.INSTANCE_AVAILABILITY_NOTIFICATION,), (_SCU,),
              "a peer is told that images can be had"),
)  # fmt: skip


def _overview(offered: tuple[Offered, ...]) -> tuple[Table, ...]:
    requested = {each: row for row in _REQUESTED for each in row.sop_classes}
    here = {each.sop_class_uid: each for each in offered if each.service != STORAGE}
    network = []
    for each in dict.fromkeys([*here, *requested]):
        roles = requested[each].roles if each in requested else ()
        service = here[each].service if each in here else requested[each].service
        network.append((name_of(each), each, service, _yes(_SCU in roles), _yes(each in here or _SCP in roles)))
    stored = [(each.sop_class, each.sop_class_uid, "Yes", "Yes") for each in offered if each.service == STORAGE]
    return (
        Table("Table 1-1. Network services", ("SOP class", "UID", "Service", "User (SCU)", "Provider (SCP)"), tuple(network)),
        Table("Table 1-2. Storage SOP classes", ("SOP class", "UID", "User (SCU)", "Provider (SCP)"), tuple(stored)),
        _transfer_syntaxes(),
    )


def _yes(condition: bool) -> str:
    return "Yes" if condition else "No"


def _transfer_syntaxes() -> Table:
    rows = tuple(
        (each.name, each.uid, _yes(each.support is not syntaxes.Support.NONE), _yes(each.support is syntaxes.Support.FULL),
         _yes(each.uid in {*formats.NATIVE, *formats.READ}), _yes(each.uid in formats.TARGETS))
        for each in syntaxes.ALL
    )  # fmt: skip
    head = ("Transfer syntax", "UID", "Stored and given back as sent", "Shown by the viewer",
            "Converted from, for who cannot take it", "Converted to, without loss")  # fmt: skip
    return Table("Table 1-3. Transfer syntaxes", head, rows)


# 4 Networking


def _networking(settings: Settings, offered: tuple[Offered, ...]) -> Section:
    model = Section("Implementation Model", (), (), tuple(Section(title, text) for title, text in words.MODEL))
    entity = Section(
        settings.aet, (), (),
        (
            Section("SOP Classes", (words.SOP_CLASSES,)),
            Section("Association Policies", (), (), _policies(settings)),
            Section("Association Initiation Policy", words.INITIATION, (_proposed(),)),
            _acceptance(settings, offered),
        ),
    )  # fmt: skip
    configuration = Section(
        "Configuration", (), (),
        (Section("AE Title/Presentation Address Mapping", words.MAPPING), Section("Parameters", (), (_parameters(settings),))),
    )  # fmt: skip
    interfaces = Section("Network Interfaces", words.INTERFACES)
    return Section("Networking", (), (), (model, Section("AE Specifications", (), (), (entity,)), interfaces, configuration))


def _policies(settings: Settings) -> tuple[Section, ...]:
    def facts(caption: str, *rows: tuple[str, object]) -> Table:
        return Table(caption, ("Parameter", "Value"), tuple((name, str(value)) for name, value in rows))

    return (
        Section("General", (), (facts(
            "Association parameters", ("Application context name", items.APPLICATION_CONTEXT_NAME),
            ("Largest P-DATA-TF PDU that is asked for (bytes)", int(settings.max_pdu)),
            ("Smallest that a peer may ask for", negotiation.MIN_MAXIMUM_LENGTH),
            ("ARTIM timer (seconds)", settings.artim_timeout),
            ("An association without a byte is aborted after (seconds)", settings.dicom_idle_timeout),
        ),)),
        Section("Number of Associations", (), (facts(
            "Associations at once, over all processes of a machine", ("As acceptor", settings.max_associations),
            ("Of these of one peer, unless it has a number of its own", settings.max_associations_per_peer),
            ("Processes", settings.dicom_process_count),
            ("As initiator, to one peer", "1 to 8, as the peer is configured"),
        ),)),
        Section("Asynchronous Nature", (), (facts(
            "Asynchronous operations window", ("Operations invoked", 1),
            ("Operations performed, when negotiated", negotiation.WINDOW),
        ),)),
        Section("Implementation Identifying Information", (), (facts(
            "Implementation", ("Implementation Class UID", uid.IMPLEMENTATION_CLASS_UID),
            ("Implementation Version Name", uid.IMPLEMENTATION_VERSION_NAME),
        ),)),
    )  # fmt: skip


def _proposed() -> Table:
    rows = [
        (name_of(each), each, row.service, _syntaxes(row.transfer_syntaxes), ", ".join(row.roles), row.why)
        for row in _REQUESTED
        for each in row.sop_classes
    ]
    stored = "the stored ones, those that the peer prefers, then the uncompressed ones; a presentation context for each"
    rows.append(("The storage SOP classes of what is sent", "", STORAGE, stored, _SCU, "C-MOVE, routing, a person sends"))
    head = ("SOP class", "UID", "Service", "Transfer syntaxes", "Our role", "When")
    return Table("Proposed presentation contexts", head, tuple(rows))


def _acceptance(settings: Settings, offered: tuple[Offered, ...]) -> Section:
    rejections = tuple(
        (_words(pdu.RejectResult(each.result).name), _words(pdu.RejectSource(each.source).name), str(each.reason),
         pdu.REJECT_TEXT[each.source, each.reason], why)
        for each, why in words.REJECTIONS
    )  # fmt: skip
    head = ("Result", "Source", "Reason", "Meaning", "When")
    services_of = tuple(
        _specific(settings, service, [each for each in offered if each.service == service])
        for service in dict.fromkeys(each.service for each in offered)
    )
    tables = (Table("Rejections", head, rejections), _accepted(offered), _statuses())
    return Section("Association Acceptance Policy", words.ACCEPTANCE, tables, services_of)


def _words(name: str) -> str:
    return name.replace("_", " ").lower()


def _accepted(offered: tuple[Offered, ...]) -> Table:
    rows = [
        (each.sop_class, each.sop_class_uid, _syntaxes(each.transfer_syntaxes), "SCP")
        for each in offered
        if each.service != STORAGE
    ]
    rows.append(("Every storage SOP class of Table 1-2, and every other UID that is none of PS3.6 Table A-1", "", "any", "SCP"))
    return Table("Accepted presentation contexts", ("SOP class", "UID", "Transfer syntaxes", "Role"), tuple(rows))


def _syntaxes(uids: Iterable[str]) -> str:
    return ", ".join("any" if each == ANY_SYNTAX else name_of(each) for each in uids)


def _statuses() -> Table:
    rows = tuple((f"{code:04X}", each.category.value, each.text) for code, each in sorted(status.STATUSES.items()))
    return Table("Status codes", ("Code", "Category", "Meaning"), rows)


def _specific(settings: Settings, service: str, offered: list[Offered]) -> Section:
    operations = [(each.sop_class, ", ".join(each.operations)) for each in offered] if service != STORAGE else [
        ("every storage SOP class", ", ".join(offered[0].operations))]  # fmt: skip
    tables = [Table("Operations", ("SOP class", "DIMSE requests performed"), tuple(operations))]
    if service == STORAGE:
        rows = tuple((str(byte), name, str(storage.EXTENDED[byte - 1])) for byte, name in _STORAGE_EXTENSIONS)
        tables.append(Table("SOP Class Extended Negotiation", ("Byte", "Meaning", "Answer"), rows))
    if any(each.sop_class_uid in finding.LEVELS for each in offered):
        tables += [_extended(), *(_keys(settings, level, finding.LEVELS) for level in attributes.Level)]
    if any(each.sop_class_uid == sop_classes.MODALITY_WORKLIST_FIND for each in offered):
        tables.append(_worklist())
    if any(each.sop_class_uid == sop_classes.HANGING_PROTOCOL_FIND for each in offered):
        tables.append(_hanging())
    if any(each.sop_class_uid in printing.META for each in offered):
        tables.append(_print_operations())
    return Section(f"SOP Specific Conformance: {service}", words.SPECIFIC.get(service, ()), tuple(tables))


# PS3.4 Table C.5-2: what each byte of the application information asks for.
_EXTENSIONS = (
    "relational queries", "combined date-time matching", "fuzzy semantic matching of person names", "timezone query adjustment",
    "conversion of enhanced multi-frame images", "empty value matching", "multiple value matching",
)  # fmt: skip

# PS3.4 B.3.1.2: what the bytes that are not reserved say.
_STORAGE_EXTENSIONS = (
    (1, "level of support (2: Level 2, Full)"), (3, "level of digital signature support"), (5, "element coercion (1: none)"),
)  # fmt: skip


def _extended() -> Table:
    rows = tuple((str(byte), name, _yes(bool(finding.SUPPORTED[byte - 1]))) for byte, name in enumerate(_EXTENSIONS, 1))
    return Table("SOP Class Extended Negotiation", ("Byte", "Meaning", "Supported"), rows)


def _keys(settings: Settings, level: attributes.Level, levels: Mapping[str, tuple[attributes.Level, ...]]) -> Table:
    declared = extra.declared(settings.index_attributes).attributes
    known = (*attributes.at(level), *(each for each in declared if each.level == level))
    rows = tuple((each.keyword, _tag(each.tag), each.vr, _KEYS[each.key], _matching(each)) for each in known)
    models = ", ".join(name_of(each).split(" Query")[0] for each, theirs in levels.items() if level in theirs)
    head = ("Attribute", "Tag", "VR", "Key", "Matching besides universal and empty value")
    return Table(f"Keys of level {level.value} ({models})", head, rows)


def _matching(each: Attribute) -> str:
    inside = f"; in {each.sequence}" if each.sequence else ""
    return _MATCHING[each.matching] + inside


def _worklist() -> Table:
    rows = tuple(
        ("/".join((*key.path, key.keyword)), _tag(key.tag), key.vr, "required" if key.is_required else "optional",
         _MATCHING[key.matching])
        for key in worklist.KEYS
    )  # fmt: skip
    return Table("Keys of the modality worklist", ("Attribute", "Tag", "VR", "Key", "Matching besides universal"), rows)


def _hanging() -> Table:
    rows = tuple((path, {"U": "unique", "R": "required"}.get(matching, "as any other attribute of the object"), returned)
                 for path, matching, returned in hanging.KEYS)  # fmt: skip
    return Table("Keys of hanging protocols (PS3.4 Table U.6-1)", ("Attribute", "Matching key", "Return key type"), rows)


def _print_operations() -> Table:
    rows = tuple(
        (name_of(each), each, ", ".join(_operation(field) for field in fields)) for each, fields in printing.performed().items()
    )
    return Table("Print management: what is performed on each SOP class", ("SOP class", "UID", "DIMSE requests"), rows)


def _tag(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _parameters(settings: Settings) -> Table:
    wanted = ("aet", "dicom", "accept_any_aet", "check_called_aet", "max_find_answers")
    rows = tuple(
        (row.option, row.show(getattr(settings, row.name)), row.help)
        for row in SETTINGS
        if row.name in wanted or row.name.startswith(("dicom_", "max_associations", "max_pdu", "artim"))
    )
    return Table("Parameters (`isocenter settings` shows all)", ("Option", "Value", "Meaning"), rows)


# 6 to 8


def _character_sets() -> Table:
    return Table("Specific Character Sets", ("Defined term", "Meaning"), charset.terms())


def _security(settings: Settings) -> Section:
    users = ((str(identity.USERNAME), "username"), (str(identity.USERNAME_AND_PASSCODE), "username and passcode"))
    suites = Table("TLS 1.2 cipher suites (OpenSSL's names); TLS 1.3: all of its own", ("Cipher string",), ((tls.CIPHERS,),))
    identities = Table("User Identity Negotiation", ("Type", "Meaning"), users)
    return Section(
        "Security", (), (),
        (
            Section("Security Profiles", words.security(settings.dicom_tls is not None), (suites,)),
            Section("Association Level Security", words.ASSOCIATION_SECURITY, (identities,)),
            Section("Application Level Security", words.APPLICATION_SECURITY),
        ),
    )  # fmt: skip


def _annexes() -> Section:
    return Section("Annexes", (), (), tuple(Section(title, text) for title, text in words.ANNEXES))
