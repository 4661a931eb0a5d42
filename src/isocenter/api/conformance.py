"""The DICOM conformance statement, for people and for programs."""

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from isocenter.api.endpoint import Call, Door, Endpoint, Parameter, json_response
from isocenter.api.schema import text
from isocenter.domain.conformance import document, html, markdown

_FORMS = ["html", "markdown", "json"]


async def _conformance(request: Request, call: Call) -> Response:
    statement = await anyio.to_thread.run_sync(call.context.conformance, call.context.settings)
    match call.query["format"]:
        case "json":
            return json_response(document(statement))
        case "markdown":
            made: Response = PlainTextResponse(markdown(statement), media_type="text/markdown")
        case _:
            made = Response(html(statement), media_type="text/html; charset=utf-8")
    made.headers["Cache-Control"] = "no-store"
    return made


ENDPOINTS = (
    Endpoint(
        method="GET", path="/conformance", tag="about", needs=Door.SIGNED_IN, respond=_conformance,
        summary="The DICOM conformance statement of this archive (PS3.2)",
        description="Made from the tables that drive negotiation and matching, with the settings that are in force.",
        parameters=(Parameter("format", "a page, Markdown, or data for programs", text(enum=_FORMS, default="html")),),
        answer={"type": "string"}, answer_type="text/html",
        other_answers={"text/markdown": {"type": "string"}, "application/json": {"type": "object"}},
    ),
)  # fmt: skip
