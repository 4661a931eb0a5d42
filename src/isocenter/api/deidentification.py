"""De-identification: its projects, and studies that leave by them as a ZIP."""

import zlib
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import anyio.to_thread
import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from isocenter.api.endpoint import Call, Endpoint, Parameter
from isocenter.api.schema import array, boolean, integer, obj, ref, text
from isocenter.dicom import json as dicom_json
from isocenter.dicom import part10
from isocenter.dicom.confidentiality import CODES, Option
from isocenter.dicom.directory import Directory
from isocenter.dicom.source import Source
from isocenter.domain.access import Permission, require
from isocenter.domain.deidentification_report import Summary
from isocenter.domain.errors import Conflict, Invalid, IsocenterError, Kind, TooLarge
from isocenter.domain.zip_writing import ZipWriter
from isocenter.service import deidentification_reports as reports
from isocenter.service import deidentifying, ingest
from isocenter.service.deidentifying import HeldBack, Kept

_WORDS = {
    Option.PIXELS: "rectangles of text are made black; images that may show text without a rule are held back",
    Option.FACES: "images in which a face may be seen or computed are held back",
    Option.GRAPHICS: "drawings of presentation states and overlay regions stay, cleaned of words",
    Option.CONTENT: "the content of reports stays, cleaned of words and names",
    Option.DESCRIPTORS: "descriptions keep the words that are known to name nobody",
    Option.FULL_DATES: "dates and times stay as they are",
    Option.MODIFIED_DATES: "dates are moved, all of a patient by as many days",
    Option.PATIENT: "sex, age, size, weight and the like stay",
    Option.DEVICE: "serial numbers and names of devices stay",
    Option.UIDS: "UIDs stay as they are",
    Option.PRIVATE: "private attributes that are known to be safe stay",
    Option.INSTITUTION: "names and addresses of institutions stay",
}
_PROJECT_NAME = Parameter("name", "the project", text(), "path", True)
_VALUE = {"type": "object", "description": "options, prefix, private, words, devices, burned_in: docs/deidentification.md"}
_FIELDS = {"name": text(), "description": text(), "project": _VALUE}
PROJECT = obj({**_FIELDS, "options": array(text()), "closed": boolean("nothing leaves by it"),
               "changed_at": text("RFC 3339", format="date-time")})  # fmt: skip
OPTION = obj({"name": text(enum=[option.value for option in Option]), "code": text("CID 7050"), "title": text(), "words": text()})
REPORT = obj({"id": integer(), "project": text(), "form": text("how it left", enum=["delivery", "dicom", "copy", "folder"]),
              "destination": text(), "delivery": {"type": ["integer", "null"]}, "actor": text("nobody: a rule"),
              "at": text("RFC 3339", format="date-time"),
              "ended_at": {"type": ["string", "null"], "description": "null: under way"},
              "whole": boolean("nobody broke it off"), "studies": integer(), "objects": integer("that left"),
              "held_back": integer("objects that did not")})  # fmt: skip
_REGION = obj({"series": text("Series Instance UID"), "instance": text("SOP Instance UID; absent: all of the series"),
               "rectangles": array(array(integer()), "[column, row, columns, rows] in pixels, from 0")}, "instance")  # fmt: skip
_ASKED = {
    "project": text("absent: pseudonyms of this export only"), "options": array(text(), "without a project"),
    "series": array(text("Series Instance UID"), "absent: all"), "regions": array(_REGION, "made black in every frame"),
}  # fmt: skip
_SEVERAL = {**_ASKED, "studies": array(text("Study Instance UID", maxLength=64), "further studies of the same ZIP, all of them")}
_MOST_STUDIES = 50  # of one ZIP
_LARGEST = 1 << 20  # bytes of a request: rectangles in many series
_PIECE = 1 << 20


def _facts(kept: Kept) -> dict[str, Any]:
    return {"name": kept.name, "description": kept.description, "project": kept.value, "options": kept.value["options"],
            "closed": kept.closed, "changed_at": kept.changed_at.isoformat()}  # fmt: skip


def _list(call: Call) -> Any:
    options = [{"name": option.value, "code": CODES[option][0], "title": CODES[option][1], "words": _WORDS[option]}
               for option in Option]  # fmt: skip
    return {"projects": [_facts(each) for each in deidentifying.projects(call.context, call.principal)], "options": options}


def _add(call: Call) -> Any:
    body = call.body
    return _facts(deidentifying.add(call.context, call.principal, body["name"], body.get("description", ""), body["project"]))


def _change(call: Call) -> Any:
    body = call.body
    return _facts(deidentifying.change(call.context, call.principal, call.path["name"], body.get("description"),
                                       body.get("project"), body.get("closed")))  # fmt: skip


def _kept(call: Call) -> Kept:
    if "project" in call.body:
        return deidentifying.project(call.context, call.body["project"])
    return deidentifying.once(call.body.get("options", []), call.context.clock())


async def _zip(request: Request, call: Call) -> Response:
    pieces = await anyio.to_thread.run_sync(_begun, call)
    headers = {"Content-Disposition": 'attachment; filename="deidentified.zip"', "Cache-Control": "no-store"}
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)


def _begun(call: Call) -> Iterator[bytes]:
    """What must be known before the first byte: whether anything may leave at all."""
    kept = _kept(call)
    regions = deidentifying.regions_of(call.body.get("regions", []))
    studies = list(dict.fromkeys([call.path["uid"], *call.body.get("studies", ())]))
    series = call.body.get("series", ())
    if len(studies) > _MOST_STUDIES:
        raise TooLarge(f"one ZIP holds {_MOST_STUDIES} studies", hint="Ask for fewer of them.")
    if series and len(studies) > 1:
        raise Invalid("series are chosen of a single study", where="series")
    found = deidentifying.chosen(call.context, call.principal, kept, studies, series)
    deidentifying.first(call.context, kept, found, regions)
    return _reported(call, kept, found, regions, studies)


def _reported(call: Call, kept: Kept, found: Sequence[Any], regions: Sequence[Any], studies: Sequence[str]) -> Iterator[bytes]:
    """The archive; what was removed is kept when it has left, and also when who takes it breaks off."""
    summary, whole = deidentifying.summary(kept), False
    try:
        yield from _archive(call, kept, found, regions, summary)
        whole = True
    finally:
        reports.keep(call.context, call.principal, summary, studies, "dicom", whole=whole)


def _archive(call: Call, kept: Kept, found: Sequence[Any], regions: Sequence[Any], summary: Summary) -> Iterator[bytes]:
    """A DICOM file-set (PS3.10 8), and what was done as REPORT.TXT and REPORT.JSO."""
    directory, writer = Directory(), ZipWriter(call.context.clock())
    series: dict[str, tuple[int, count[int]]] = {}
    for located in found:
        try:
            with deidentifying.cleaned(call.context, kept, located, regions) as cleaned:
                summary.take(cleaned.done)
                made = cleaned.made
                number, images = series.setdefault(made.series_instance_uid, (len(series) + 1, count(1)))
                path = ("DICOM", f"SE{number:06d}", f"IM{next(images):06d}")
                header = part10.scan(made.file)
                directory.add(_plain(dicom_json.dataset_json(made.file, header, lambda _: "")), path, header.transfer_syntax_uid)
                yield writer.entry("/".join(path), made.file.size, _crc(made.file))
                yield from _pieces(made.file)
        except HeldBack as error:
            summary.held_back[str(error)] += 1
        except IsocenterError as error:
            summary.held_back[error.message] += 1
    report = orjson.dumps(summary.facts(), option=orjson.OPT_INDENT_2)
    uid = deidentifying.asked(kept).uid(f"DICOMDIR {' '.join(sorted(summary.studies))}")
    whole = b"".join(directory.encode("ISOCENTER", uid))
    for title, content in (("DICOMDIR", whole), ("REPORT.TXT", summary.text().encode()), ("REPORT.JSO", report)):
        yield writer.entry(title, len(content), zlib.crc32(content)) + content
    yield from writer.end()


def _copy(call: Call) -> Any:
    """Taken in by the one door, as what anybody else sends would be."""
    kept = _kept(call)
    if Option.UIDS.value in kept.value["options"]:
        raise Conflict("a copy with the UIDs of the original cannot lie beside it", where="options",
                       kept="nothing was taken in", hint="Use a project that does not retain UIDs.")  # fmt: skip
    require(call.principal, Permission.STUDY_STORE)
    regions = deidentifying.regions_of(call.body.get("regions", []))
    found = deidentifying.chosen(call.context, call.principal, kept, [call.path["uid"]], call.body.get("series", ()), form="copy")
    deidentifying.first(call.context, kept, found, regions)
    summary, study, whole = deidentifying.summary(kept), "", False
    try:
        for located in found:
            study = _taken_in(call, kept, located, regions, summary) or study
        whole = True
    finally:
        reports.keep(call.context, call.principal, summary, [call.path["uid"]], "copy", whole=whole)
    return {"StudyInstanceUID": study, "report": summary.facts()}


def _taken_in(call: Call, kept: Kept, located: Any, regions: Sequence[Any], summary: Summary) -> str:
    """A cleaned copy comes in; the UID of its study, "" when it was held back."""
    try:
        with (
            deidentifying.cleaned(call.context, kept, located, regions) as cleaned,
            ingest.begin(call.context, call.principal, source="upload") as reception,
        ):
            for piece in _pieces(cleaned.made.file):
                reception.write(piece)
            outcome = reception.finish()
        if outcome.status == "quarantined":
            summary.held_back[f"the archive put it aside: {outcome.reason}"] += 1
        else:
            summary.take(cleaned.done)
        return cleaned.made.study_instance_uid
    except HeldBack as error:
        summary.held_back[str(error)] += 1
    except IsocenterError as error:
        if not deidentifying.of_the_object(error):
            error.kept = "what was copied before lies there; the same again, by the same project, completes it"
            raise
        summary.held_back[error.message] += 1
    return ""


def _report(each: reports.Report) -> dict[str, Any]:
    ended = each.ended_at.isoformat() if each.ended_at else None
    return {"id": each.id, "form": each.form, "destination": each.destination, "delivery": each.delivery, "actor": each.actor,
            "at": each.at.isoformat(), "ended_at": ended, "whole": each.whole, "project": each.project,
            "studies": len(each.summary.studies), "objects": each.summary.given,
            "held_back": each.summary.held_back.total()}  # fmt: skip


def _reports(call: Call) -> Any:
    query = call.query
    found = reports.page(
        call.context, call.principal, project=query.get("project"), study=query.get("study"), delivery=query.get("delivery"),
        before=query.get("cursor"), limit=query["limit"] + 1,
    )  # fmt: skip
    kept = found[: query["limit"]]
    return {"reports": [_report(each) for each in kept], "next": kept[-1].id if len(found) > len(kept) else None}


def _read(call: Call) -> Any:
    report, studies = reports.get(call.context, call.principal, call.path["id"])
    return {"report": _report(report), "studies": studies, "done": report.summary.facts(), "text": report.summary.text()}


def _plain(value: Any) -> Any:
    return orjson.loads(orjson.dumps(value))


def _pieces(file: Source) -> Iterator[bytes]:
    offset = 0
    while piece := file.read_at(offset, _PIECE):
        yield piece
        offset += len(piece)


def _crc(file: Source) -> int:
    crc = 0
    for piece in _pieces(file):
        crc = zlib.crc32(piece, crc)
    return crc


_MANAGE, _EXPORT = Permission.PROJECT_MANAGE, Permission.STUDY_EXPORT
ENDPOINTS = (
    Endpoint(
        method="GET", path="/deidentification/projects", tag="deidentification", needs=_EXPORT, run=_list,
        summary="Projects for which data leaves without identities, and the options there are",
        answer=obj({"projects": array(ref("Project")), "options": array(ref("DeidentificationOption"))}),
    ),
    Endpoint(
        method="POST", path="/deidentification/projects", tag="deidentification", needs=_MANAGE, run=_add,
        summary="Begin a project",
        description="Its secret is made here and never told: pseudonyms, moved dates and UIDs follow it.",
        body=obj(_FIELDS, "description"), answer=ref("Project"), status=201, errors=(Kind.CONFLICT,),
    ),
    Endpoint(
        method="PATCH", path="/deidentification/projects/{name}", tag="deidentification", needs=_MANAGE, run=_change,
        summary="Change what a project asks for, close it, or open it again", parameters=(_PROJECT_NAME,),
        body=obj({"description": text(), "project": _VALUE, "closed": boolean()}, "description", "project", "closed"),
        answer=ref("Project"), errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="GET", path="/deidentification/reports", tag="deidentification", needs=_EXPORT, run=_reports,
        summary="What left without identities, the newest first: deliveries, exports and copies",
        parameters=(
            Parameter("project", "by this one only", text(maxLength=64)),
            Parameter("study", "only of this Study Instance UID, as it is here", text(maxLength=64)),
            Parameter("delivery", "only of the delivery of this number", integer(minimum=1)),
            Parameter("limit", "at most so many", integer(minimum=1, maximum=500, default=100)),
            Parameter("cursor", "the value of next", integer(minimum=1)),
        ),
        answer=obj({"reports": array(ref("DeidentificationReport")),
                    "next": {"type": ["integer", "null"], "description": "cursor"}}),
    ),
    Endpoint(
        method="GET", path="/deidentification/reports/{id}", tag="deidentification", needs=_EXPORT, run=_read,
        summary="What was removed from what left", parameters=(Parameter("id", "its number", integer(minimum=1), "path", True),),
        answer=obj({"report": ref("DeidentificationReport"), "studies": array(text("Study Instance UID, as it is here")),
                    "done": {"type": "object", "description": "as REPORT.JSO of an export"}, "text": text("as REPORT.TXT")}),
        errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="POST", path="/studies/{uid}/deidentified", tag="deidentification", needs=_EXPORT, respond=_zip,
        summary="A study, some of its series, or several studies without identities of patients (PS3.15 Annex E), as a ZIP",
        parameters=(Parameter("uid", "Study Instance UID", text(), "path", True),), body=obj(_SEVERAL, *_SEVERAL),
        largest=_LARGEST,
        answer={"type": "string", "format": "binary"}, answer_type="application/zip",
        errors=(Kind.MISSING, Kind.CONFLICT, Kind.UNSUPPORTED),
    ),
    Endpoint(
        method="POST", path="/studies/{uid}/deidentified-copy", tag="deidentification", needs=_EXPORT,
        also=Permission.STUDY_STORE, run=_copy,
        summary="The same as another study of this archive",
        parameters=(Parameter("uid", "Study Instance UID", text(), "path", True),), body=obj(_ASKED, *_ASKED),
        answer=obj({"StudyInstanceUID": text("of the copy"), "report": {"type": "object", "description": "what was done"}}),
        status=201, errors=(Kind.MISSING, Kind.CONFLICT, Kind.UNSUPPORTED, Kind.NO_SPACE),
    ),
)  # fmt: skip
