"""The Capabilities Description (PS3.18 8.9, Annex H): what there is below /dicom-web, as WADL or as JSON, from one table.

TRANSACTIONS has a row for each method of each resource; a test holds that it says no more and no less than what is answered.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import quoteattr

import orjson

from isocenter.dicomweb.accept import DICOM, DICOM_JSON, DICOM_XML, JSON, MULTIPART, OCTETS, ZIP, NotAcceptable
from isocenter.dicomweb.answers import VARY, Bytes, single, version
from isocenter.dicomweb.exchange import Exchange
from isocenter.domain.errors import Missing

WADL = "application/vnd.sun.wadl+xml"
_NAMESPACE = "http://wadl.dev.java.net/2009/02"

_OBJECTS = (f'{MULTIPART}; type="{DICOM}"; transfer-syntax=*', ZIP)
_METADATA = (DICOM_JSON, f'{MULTIPART}; type="{DICOM_XML}"')
_PARTS = (f'{MULTIPART}; type="{OCTETS}"; transfer-syntax=*', f'{MULTIPART}; type="image/*"; transfer-syntax=*')
_FRAMES = (*_PARTS, f"{OCTETS}; transfer-syntax=*", "image/jpeg", "image/jls", "image/jp2", "image/jphc", "image/dicom-rle")
_PAGES = ("application/pdf", "text/html", "text/plain", "text/xml")
_PICTURES = ("image/jpeg", "image/png", "image/gif", "image/jp2", "video/mp4", "video/mpeg", *_PAGES)
_SMALL = ("image/jpeg", "image/png", "image/gif", "image/jp2")
_RESULTS = (DICOM_JSON, JSON)
_FOUND = (*_RESULTS, f'{MULTIPART}; type="{DICOM_XML}"')
_STORED = (f'{MULTIPART}; type="{DICOM}"', f'{MULTIPART}; type="{DICOM_JSON}"', f'{MULTIPART}; type="{DICOM_XML}"')
_WORKITEM = (DICOM_JSON, DICOM_XML)
_SEARCH = ("{attributeID}", "includefield", "fuzzymatching", "limit", "offset")
_STUDY_SEARCH = (*_SEARCH, "emptyvaluematching", "multiplevaluematching")
_VIEW = ("annotation", "quality", "viewport", "window", "iccprofile")

_STUDY = "studies/{StudyInstanceUID}"
_SERIES = _STUDY + "/series/{SeriesInstanceUID}"
_INSTANCE = _SERIES + "/instances/{SOPInstanceUID}"
_LEVELS = (("Study", _STUDY), ("Series", _SERIES), ("Instance", _INSTANCE))
_ITEM = "workitems/{SOPInstanceUID}"
_SUBSCRIBER = _ITEM + "/subscribers/{AETitle}"


@dataclass(frozen=True, slots=True)
class Transaction:
    """One method of one resource. answers, takes: media types; parameters: of the query; section: of PS3.18."""

    name: str
    method: str
    template: str
    section: str
    answers: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()


TRANSACTIONS: tuple[Transaction, ...] = (
    Transaction("RetrieveCapabilities", "GET", "", "8.9", (WADL, JSON)),
    Transaction("SearchForStudies", "GET", "studies", "10.6", _FOUND, parameters=_STUDY_SEARCH),
    Transaction("SearchForSeries", "GET", "series", "10.6", _FOUND, parameters=_STUDY_SEARCH),
    Transaction("SearchForInstances", "GET", "instances", "10.6", _FOUND, parameters=_STUDY_SEARCH),
    Transaction("SearchForStudySeries", "GET", _STUDY + "/series", "10.6", _FOUND, parameters=_STUDY_SEARCH),
    Transaction("SearchForStudyInstances", "GET", _STUDY + "/instances", "10.6", _FOUND, parameters=_STUDY_SEARCH),
    Transaction("SearchForSeriesInstances", "GET", _SERIES + "/instances", "10.6", _FOUND, parameters=_STUDY_SEARCH),
    Transaction("StoreInstances", "POST", "studies", "10.5", (DICOM_JSON, DICOM_XML), _STORED),
    Transaction("StoreStudyInstances", "POST", _STUDY, "10.5", (DICOM_JSON, DICOM_XML), _STORED),
    *(Transaction(f"Retrieve{name}", "GET", at, "10.4", _OBJECTS) for name, at in _LEVELS),
    *(Transaction(f"Retrieve{name}Metadata", "GET", at + "/metadata", "10.4", _METADATA) for name, at in _LEVELS),
    *(Transaction(f"Retrieve{name}Bulkdata", "GET", at + "/bulkdata", "10.4", _PARTS) for name, at in _LEVELS),
    *(Transaction(f"Retrieve{name}PixelData", "GET", at + "/pixeldata", "10.4", _PARTS) for name, at in _LEVELS),
    Transaction("RetrieveBulkdata", "GET", _INSTANCE + "/bulkdata/{BulkdataPath}", "10.4", (*_PARTS, OCTETS)),
    Transaction("RetrieveFrames", "GET", _INSTANCE + "/frames/{FrameList}", "10.4", _FRAMES),
    *(
        Transaction(f"RetrieveRendered{name}", "GET", at + "/rendered", "10.4", _PICTURES, parameters=_VIEW)
        for name, at in (*_LEVELS, ("Frames", _INSTANCE + "/frames/{FrameList}"))
    ),
    *(
        Transaction(f"Retrieve{name}Thumbnail", "GET", at + "/thumbnail", "10.4", _SMALL, parameters=("viewport",))
        for name, at in (*_LEVELS, ("Frame", _INSTANCE + "/frames/{FrameList}"))
    ),
    Transaction("SearchForUPS", "GET", "workitems", "11.9", _RESULTS, parameters=_SEARCH),
    Transaction("CreateUPS", "POST", "workitems", "11.4", takes=_WORKITEM, parameters=("workitem",)),
    Transaction("RetrieveUPS", "GET", _ITEM, "11.5", _WORKITEM),
    Transaction("UpdateUPS", "POST", _ITEM, "11.6", takes=_WORKITEM, parameters=("transaction-uid",)),
    Transaction("ChangeUPSState", "PUT", _ITEM + "/state", "11.7", takes=_WORKITEM),
    Transaction("RequestUPSCancellation", "POST", _ITEM + "/cancelrequest", "11.8", takes=_WORKITEM),
    Transaction("CreateSubscription", "POST", _SUBSCRIBER, "11.10", parameters=("deletionlock", "filter")),
    Transaction("DeleteSubscription", "DELETE", _SUBSCRIBER, "11.11"),
    Transaction("SuspendGlobalSubscription", "POST", _SUBSCRIBER + "/suspend", "11.12"),
)


@dataclass(slots=True)
class _Node:
    """A resource: its transactions, and what lies below it by the next part of the path."""

    transactions: list[Transaction] = field(default_factory=list)
    below: dict[str, "_Node"] = field(default_factory=dict)


def _tree() -> _Node:
    root = _Node()
    for each in TRANSACTIONS:
        node = root
        for part in each.template.split("/") if each.template else ():
            node = node.below.setdefault(part, _Node())
        node.transactions.append(each)
    return root


_ROOT = _tree()


async def capabilities(exchange: Exchange) -> None:
    """OPTIONS of any resource, and GET of the base: what it and the resources below it can. Raises Missing, NotAcceptable."""
    parts = [part for part in exchange.parameters["resource"].split("/") if part]
    node, path = _find(parts)
    base = exchange.base
    for media_range in exchange.accepted():
        if media_range.covers(WADL) or media_range.covers("application/xml"):
            text, label = _wadl(base, path, node).encode(), WADL
            break
        if media_range.covers(DICOM_JSON) or media_range.covers(JSON):
            text, label = orjson.dumps(_json(base, path, node)), JSON if media_range.covers(JSON) else DICOM_JSON
            break
    else:
        raise NotAcceptable("The capabilities are answered as WADL or JSON.", where="Accept", hint=f"Accept {WADL} or {JSON}.")
    methods = {"OPTIONS", *(each.method for each in node.transactions), *(("HEAD",) if _gets(node) else ())}
    allow = ((b"allow", ", ".join(sorted(methods)).encode()),)
    known = version("capabilities", text, vary=VARY, more=allow)
    if exchange.knows(known.tag):
        return await exchange.not_modified(known.tag)
    await single(exchange, Bytes(text), label, known)


def _gets(node: _Node) -> bool:
    return any(each.method == "GET" for each in node.transactions)


def _find(parts: Sequence[str]) -> tuple[_Node, str]:
    """The node of a path, in which UIDs stand for their names, and its template."""
    node, path = _ROOT, []
    for part in parts:
        name = part if part in node.below else next((each for each in node.below if each.startswith("{")), "")
        if not name:
            raise Missing("There is no such resource.", hint="See PS3.18 for the resources of DICOMweb.")
        node = node.below[name]
        path.append(name)
    return node, "/".join(path)


def _wadl(base: str, path: str, node: _Node) -> str:
    inner = "".join(_resource(path, node))
    return (f'<?xml version="1.0" encoding="UTF-8"?>\n<application xmlns="{_NAMESPACE}">\n'
            f"<resources base={quoteattr(base + '/')}>\n{inner}</resources>\n</application>\n")


def _resource(path: str, node: _Node) -> Iterator[str]:
    """A resource element with everything below it."""
    yield f"<resource path={quoteattr(path or '/')}>\n"
    for name in re.findall(r"{(\w+)}", path):
        yield f'<param name="{name}" style="template"/>\n'
    for each in node.transactions:
        yield from _method(each)
    for part, below in node.below.items():
        yield from _resource(part, below)
    yield "</resource>\n"


def _method(each: Transaction) -> Iterator[str]:
    yield f'<method name="{each.method}" id="{each.name}">\n<request>\n'
    for name in each.parameters:
        yield f"<param name={quoteattr(name)} style=\"query\"/>\n"
    if each.answers:
        yield f'<param name="Accept" style="header" default={quoteattr(each.answers[0])}>\n'
        yield from (f"<option value={quoteattr(media_type)}/>\n" for media_type in each.answers)
        yield "</param>\n"
    yield from (f"<representation mediaType={quoteattr(media_type)}/>\n" for media_type in each.takes)
    yield "</request>\n<response>\n"
    yield from (f"<representation mediaType={quoteattr(media_type)}/>\n" for media_type in each.answers)
    yield "</response>\n</method>\n"


def _json(base: str, path: str, node: _Node) -> dict[str, Any]:
    """The same tree, member by member as in WADL."""
    return {"application": {"resources": {"base": base + "/", "resource": [_json_resource(path or "/", node)]}}}


def _json_resource(path: str, node: _Node) -> dict[str, Any]:
    methods = [
        {"name": each.method, "id": each.name, "section": each.section, "query": list(each.parameters),
         "request": list(each.takes), "response": list(each.answers)}
        for each in node.transactions
    ]  # fmt: skip
    found: dict[str, Any] = {"path": path, "method": methods}
    if node.below:
        found["resource"] = [_json_resource(part, below) for part, below in node.below.items()]
    return found
