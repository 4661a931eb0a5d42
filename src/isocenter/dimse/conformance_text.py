"""The prose of the conformance statement; whatever a table knows stands in `dimse.conformance` and not here."""

from collections.abc import Mapping

from isocenter.dimse.upper_layer import pdu
from isocenter.dimse.upper_layer.pdu import AssociateRJ

Text = tuple[str, ...]

OVERVIEW: Text = (
    "Isocenter is a picture archiving and communication system: it receives objects from modalities, workstations and other "
    "archives, keeps them as they were sent, finds them, gives them back over DICOM and DICOMweb, and shows them in a web "
    "client.",
    "This statement is made by the running program from the tables that drive it (`isocenter conformance`, GET "
    "/api/v1/conformance).",
)

INTRODUCTION: tuple[tuple[str, str], ...] = (
    ("Revision History", "The version of the program in the title is that of this statement."),
    ("Audience", "People who connect this archive with other devices, and who know the DICOM standard."),
    (
        "Remarks",
        "A conformance statement helps to see whether two devices can work together; it does not replace trying it. Peers can be "
        "asked with C-ECHO from the web client (Administration, DICOM peers) and with `isocenter peer echo AET`.",
    ),
    (
        "Terms, Abbreviations, References",
        "Terms are those of the standard: AE application entity, SCU service class user, SCP service class provider, SOP "
        "service-object pair, VR value representation. References: DICOM PS3.2 to PS3.8, PS3.15, PS3.18, edition 2026b; RFC "
        "9325.",
    ),
)

MODEL: tuple[tuple[str, Text], ...] = (
    (
        "Application Data Flow",
        (
            "One application entity is SCP and SCU of everything. It receives objects (Storage, or Print by devices that "
            "can only print), answers queries and sends objects to whoever retrieves them, keeps the modality worklist from "
            "orders, follows performed procedure steps and work items, and answers for what it keeps (Storage Commitment). "
            "As SCU it sends objects by rules, by hand and for C-MOVE, searches other archives and fetches from them, and "
            "tells peers and subscribers.",
        ),
    ),
    (
        "Functional Definition of the AE",
        (
            "The AE listens for associations on one port, and on a second one over TLS when that is configured. Each association "
            "has a thread of its own. A C-STORE is answered with Success when the object is durable and can be found.",
        ),
    ),
    (
        "Sequencing of Activities",
        (
            "Order in the worklist, images with or without a performed procedure step, commitment, queries and retrieval need no "
            "particular sequence: each is answered by what is in the archive at that moment.",
        ),
    ),
)

SOP_CLASSES = "See Tables 1-1 and 1-2 of the overview for the SOP classes, Table 1-3 for the transfer syntaxes."

INITIATION: Text = (
    "Associations are opened to peers that are configured (Administration, DICOM peers; `isocenter peer`), with TLS where "
    "the peer is marked so. Storage proposes each SOP class in a presentation context for each transfer syntax; more than "
    "128 contexts make more associations, and a peer can be sent to on 1 to 8 at once. Storage Commitment reports and UPS "
    "events are sent in the SCP role, which is proposed by role selection (PS3.7 D.3.3.4).",
)

ACCEPTANCE: Text = (
    "On loopback every calling AE title is taken, unless the settings say otherwise; on other interfaces only known peers, "
    "calling from their networks. A peer may be allowed some services only: presentation contexts of others are rejected "
    "(user rejection).",
    "Of the transfer syntaxes of a presentation context for storage, the one that the peer is configured to send in is "
    "taken, else the first that it proposes: what is sent is kept as it is. For all other services explicit VR little "
    "endian is taken before implicit VR little endian.",
)

REJECTIONS: tuple[tuple[AssociateRJ, str], ...] = (
    (pdu.NO_REASON_GIVEN, "no presentation context, or an unusable largest PDU, is proposed; the user is none of the accounts'"),
    (pdu.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED, "it is not the DICOM application context"),
    (pdu.CALLING_AE_TITLE_NOT_RECOGNIZED, "it is no known peer, or calls from elsewhere"),
    (pdu.CALLED_AE_TITLE_NOT_RECOGNIZED, "the settings ask for the archive's own AE title, and another one was called"),
    (pdu.PROTOCOL_VERSION_NOT_SUPPORTED, "it is not version 1"),
    (pdu.TEMPORARY_CONGESTION, "the database is away, or too many user identities have failed: try again later"),
    (pdu.LOCAL_LIMIT_EXCEEDED, "the archive, or this peer, has its number of associations open: try again later"),
)

_RETRIEVE = (
    "All levels, lists of UIDs. Instances leave in the stored transfer syntax where it is accepted, else converted without loss. "
    "C-CANCEL ends it before the next instance; sub-operations are counted in pending answers, failed instances listed."
)

# By the name of the service in the table of services.
SPECIFIC: Mapping[str, Text] = {
    "Verification": ("C-ECHO is answered on any accepted presentation context.",),
    "Query": (
        "Hierarchical and relational queries are answered alike. Keys of levels above need not be given; keys of levels "
        "below ask for a child that matches. A key without a value is universal, \"\" (two quotation marks) asks for an "
        "empty value.",
        "Answers are written in the Specific Character Set of the question when that can say everything, else in ISO_IR 192.",
    ),
    "Storage": (
        "Level 2 (Full) support: all attributes, private ones too, are kept, and no element is coerced (PS3.4 B.4.1). "
        "Objects are given back as they were sent.",
        "The same SOP Instance UID again is answered with Success and kept once; with another content both are kept and the "
        "first is served. An object that cannot be filed (no Study Instance UID, a study of another patient) is kept apart, "
        "and answered with the warning B000. Failures are listed in the table of status codes: A700 try again later, A900 "
        "not what the command named, C000 not a DICOM object, 0110 the archive failed, 0122 not a storage SOP class, 0124 "
        "not allowed.",
    ),
    "Retrieve by C-MOVE": (
        _RETRIEVE, "The destination is a known peer (A801 otherwise); it is sent to as the association initiation policy says.",
    ),
    "Retrieve by C-GET": (_RETRIEVE, "The requestor proposes the storage SOP classes that it takes, with the SCP role."),
    "Unified Procedure Step: Push": (
        "Work items follow the state table of PS3.4 CC.1.1; the Transaction UIDs of performers are their locks. Subscribers, to "
        "one step or to all, with or without a filter, are told of events in their order, on associations that this archive "
        "opens, until they take them.",
    ),
    "Storage Commitment": (
        "Only known peers are answered, since the report may take an association to them. Committed is what can be found "
        "and whose file, read again, still has its SHA-256. Reports are repeated for seven days.",
    ),
    "Basic Worklist Management": (
        "The worklist is made from orders (POST /api/v1/orders). What is done, discontinued or cancelled is no longer in it.",
    ),
    "Hanging Protocol Query": (
        "Hanging Protocol objects that were stored here, and the protocols that were published in the web client. Any attribute "
        "of an object can be a key, also those that the table does not list; the character set is handled as in other queries.",
    ),
    "Hanging Protocol Retrieve by C-MOVE": (
        "Sub-operations store under Hanging Protocol Storage (1.2.840.10008.5.1.4.38.1): what was received as it came, what was "
        "published here as it is written by this archive, with a new SOP Instance UID after each change.",
    ),
    "Hanging Protocol Retrieve by C-GET": (
        "As by C-MOVE. The requestor proposes Hanging Protocol Storage with the SCP role.",
    ),
    "Modality Performed Procedure Step": (
        "N-CREATE begins a step with the status IN PROGRESS, N-SET ends it as COMPLETED or DISCONTINUED, after which it is "
        "not changed any more (0110 with Error ID A710). The scheduled step that it names follows, and with it the worklist.",
    ),
    "Print": (
        "Printer status is told by N-GET, no events are reported. Nothing is printed: each "
        "image becomes a Secondary Capture with the pixels that were sent, and the films of a "
        "print a PDF (Encapsulated PDF) with their layout. N-ACTION is answered when both are durable in the archive.",
        "Image display formats: STANDARD, ROW, COL, SLIDE, SUPERSLIDE. Film sizes: all of PS3.3 C.13.3 and any other of the "
        "same form; one that is not understood is answered with 0116 and replaced by 14INX17IN. Images: MONOCHROME1, "
        "MONOCHROME2 of 8 to 16 bits, RGB of 8 bits by pixel or by plane. Polarity, Presentation LUT (table, IDENTITY, LIN "
        "OD), Requested Image Size and Requested Decimate/Crop Behavior, magnification and annotations are obeyed; copies, "
        "medium, trim and smoothing are not.",
        "A print is filed on the study that film session, film box or image box name: Study Instance UID, a referenced study or "
        "instance, Accession Number, or Patient ID.",
    ),
}

MAPPING: Text = (
    "AE title, address and port of this archive are the settings `aet` and `dicom`; those of peers are kept in the database and "
    "changed in the web client, with `isocenter peer` and by /api/v1/peers.",
)
INTERFACES: Text = ("TCP/IP, IPv4 and IPv6, as the operating system provides it.",)
MEDIA: Text = (
    "No media are written. Media with a DICOMDIR, folders, single files and ZIP archives are read by `isocenter import` and "
    "by the web client's upload; all objects of a file-set are taken, also those that its DICOMDIR does not list.",
)
CHARACTER_SETS: Text = (
    "Objects keep the character set that they were sent in. The index, the web client and DICOMweb use Unicode. Names are "
    "found in every component group, with or without accents.",
)


def security(tls: bool) -> Text:
    """tls: whether a port for it is configured."""
    now = "It is configured now." if tls else "It is not configured now (settings dicom_tls, dicom_tls_cert, dicom_tls_key)."
    return (
        "BCP 195 RFC 8996, 9325 TLS Secure Transport Connection Profile (PS3.15 B.12), as acceptor and as initiator: TLS "
        f"1.3 and 1.2, with or without a certificate of the caller. {now}",
    )


ASSOCIATION_SECURITY: Text = (
    "Known peers, their networks and their services are checked as the acceptance policy says. A user identity with a "
    "passcode is checked against the archive's accounts, over TLS or on the same machine only; the association may then do "
    "what the account may.",
)
APPLICATION_SECURITY: Text = (
    "Every access and every change is a row of the change log (GET /api/v1/changes). The web client and DICOMweb ask for an "
    "account, a session or a token, and each role sees and does what it may.",
)

ANNEXES: tuple[tuple[str, Text], ...] = (
    (
        "IOD Contents",
        (
            "Objects that are made by the archive itself: Secondary Capture Image and Encapsulated PDF of a print job, "
            "series 9001 and 9002. Patient and study are those of the study that is named; Conversion Type is DI, Burned In "
            "Annotation YES, Modality OT unless the job names one, and DOC. A Presentation LUT becomes the VOI LUT Sequence.",
        ),
    ),
    (
        "Data Dictionary of Private Attributes",
        ("In Hanging Protocol objects: (0073,xx01) UT of the creator ISOCENTER HANGING, the protocol as JSON, with what PS3.3 "
         "C.23 has no attributes for. No other object gets any.",),
    ),
    ("Coded Terminology and Templates", ("None is added to objects.",)),
    (
        "Grayscale Image Consistency",
        ("Images are shown through modality LUT, VOI LUT or window, and polarity (PS3.4 N.2). Printed values are P-Values.",),
    ),
    ("Standard Extended, Specialized and Private SOP Classes", ("Private ones are stored and given back like any other.",)),
    ("Private Transfer Syntaxes", ("Objects in a private transfer syntax are stored and given back as they are.",)),
)
