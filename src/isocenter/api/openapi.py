"""openapi.json (OpenAPI 3.1) and the page /docs, both written from the table of endpoints."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from isocenter import __version__
from isocenter.api import errors
from isocenter.api.auth import COOKIE
from isocenter.api.documents import SCHEMAS
from isocenter.api.endpoint import Door, Endpoint
from isocenter.api.schema import Schema

PREFIX = "/api/v1"
TAGS: Mapping[str, str] = {
    "session": "Logging in and out",
    "studies": "The study list",
    "annotations": "What people draw on images",
    "exports": "What leaves on paper, as pictures, films and files",
    "corrections": "Whose studies are",
    "rejections": "Rejected objects (IHE RAD IOCM), deletion and legal holds",
    "deidentification": "Projects for which data leaves without identities, and the options there are",
    "orders": "What is to be done, and what was done for it",
    "hanging": "Hanging protocols",
    "hl7": "HL7 messages that came in",
    "remote": "Other archives",
    "routing": "Where images are sent: destinations, rules, deliveries",
    "changes": "What happens in the archive",
    "audit": "Who did what to whom",
    "webhooks": "Who is told of what happens, by signed requests",
    "upload": "Sending objects from a browser or a program",
    "shares": "Links for people without an account, and what came over them",
    "emergency": "Emergency access, and its review",
    "sensitive": "Studies and patients that only few may see",
    "exceptions": "What needs a person's eye",
    "admin": "Administration",
    "about": "This description",
}
INTRODUCTION = (
    "The API of Isocenter's own web client; DICOMweb (PS3.18) is at /dicom-web. Programs send `Authorization: Bearer TOKEN` or "
    "Basic. Browsers log in with POST /session and send csrf_token as X-CSRF-Token with whatever changes something. Requests "
    "that are no person's doing may carry X-Isocenter-Background: 1 and then do not prolong the session."
)


def document(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """The whole description."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Isocenter", "version": __version__, "description": INTRODUCTION},
        "servers": [{"url": PREFIX}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": dict(SCHEMAS),
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic"},
            },
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    words = [part.strip("{}") for part in endpoint.path.split("/") if part]
    operation: dict[str, Any] = {
        "operationId": "_".join([endpoint.method.lower(), *words]).replace(".", "_"),
        "summary": endpoint.summary,
        "tags": [endpoint.tag],
        "security": [] if endpoint.needs is Door.PUBLIC else [{"session": []}, {"bearer": []}, {"basic": []}],
        "x-needs": " ".join(each.value for each in (endpoint.needs, endpoint.also) if each),
        "responses": _responses(endpoint),
    }
    if endpoint.description:
        operation["description"] = endpoint.description
    if endpoint.parameters:
        operation["parameters"] = [
            {"name": p.name, "in": p.place, "description": p.description, "required": p.required, "schema": p.schema}
            for p in endpoint.parameters
        ]
    if endpoint.body is not None:
        operation["requestBody"] = {"required": True, "content": {endpoint.body_type: {"schema": endpoint.body}}}
    return operation


def _responses(endpoint: Endpoint) -> dict[str, Any]:
    success: dict[str, Any] = {"description": endpoint.summary}
    if endpoint.answer is not None:
        forms = {endpoint.answer_type: endpoint.answer, **endpoint.other_answers}
        success["content"] = {media_type: {"schema": schema} for media_type, schema in forms.items()}
    responses = {str(endpoint.status): success}
    for kind in endpoint.all_errors:
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
        responses[str(errors.STATUS[kind])] = {"description": f"{kind.value}: {errors.HINTS[kind]}", "content": content}
    return dict(sorted(responses.items()))


STYLE = """
body{margin:0 auto;max-width:60rem;padding:2rem 1.5rem;background:#14181d;color:#d5dbe1;font:15px/1.5 system-ui,sans-serif}
h1,h2{font-weight:600}h2{margin-top:2.5rem;border-bottom:1px solid #313a44;padding-bottom:.3rem}a{color:#7db7e8}
details{margin:.4rem 0;border:1px solid #2a323b;border-radius:6px;background:#1a2027}summary{padding:.5rem .8rem;cursor:pointer}
details>div{padding:0 .8rem .8rem}code{font:13px ui-monospace,monospace;color:#e8edf2}b.m{display:inline-block;width:4.5rem;
color:#8fd0a5;font:600 13px ui-monospace,monospace}.s{color:#93a1af}table{border-collapse:collapse;width:100%}
td,th{border-top:1px solid #2a323b;padding:.25rem .5rem;text-align:left;vertical-align:top;font-size:14px}
@media(prefers-color-scheme:light){body{background:#fff;color:#222}details{background:#f6f8fa;border-color:#d5dbe1}
code{color:#111}a{color:#0b62a8}b.m{color:#1a7f42}.s{color:#5b6773}td,th{border-color:#d5dbe1}}
"""


def page(endpoints: Iterable[Endpoint]) -> str:
    """The description for people: one page, no script, nothing from elsewhere."""
    rows = list(endpoints)
    rooms = "".join(
        f"<h2 id='{tag}'>{escape(title)}</h2>" + "".join(_endpoint(row) for row in rows if row.tag == tag)
        for tag, title in TAGS.items()
    )
    shapes = "".join(
        f"<details id='{name}'><summary><code>{name}</code></summary><div>{_table(schema)}</div></details>"
        for name, schema in SCHEMAS.items()
    )
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        f"<title>Isocenter API</title><style>{STYLE}</style><h1>Isocenter API</h1><p class='s'>Version {escape(__version__)}, "
        f"at <code>{PREFIX}</code>; for programs: <a href='openapi.json'>openapi.json</a></p><p>{escape(INTRODUCTION)}</p>"
        f"{rooms}<h2>Shapes</h2>{shapes}</html>"
    )


def _endpoint(row: Endpoint) -> str:
    parts = [f"<p>{escape(row.description)}</p>" if row.description else "", f"<p class='s'>For: {escape(row.needs.value)}</p>"]
    if row.parameters:
        lines = "".join(
            f"<tr><td><code>{escape(p.name)}</code></td><td class='s'>{p.place}, {_shape(p.schema)}</td>"
            f"<td>{escape(p.description)}</td></tr>"
            for p in row.parameters
        )
        parts.append(f"<table><tr><th>Parameter<th><th></tr>{lines}</table>")
    if row.body is not None:
        parts.append(f"<h4>Body, {escape(row.body_type)}</h4>{_table(row.body)}")
    if row.answer is not None:
        parts.append(f"<h4>Answer {row.status}, {escape(row.answer_type)}</h4>{_table(row.answer)}")
    answers = ", ".join(f"{errors.STATUS[kind]} {kind.value}" for kind in row.all_errors)
    parts.append(f"<p class='s'>Errors: {answers}</p>")
    title = f"<b class='m'>{row.method}</b><code>{escape(row.path)}</code> <span class='s'>{escape(row.summary)}</span>"
    return f"<details><summary>{title}</summary><div>{''.join(parts)}</div></details>"


def _table(schema: Schema) -> str:
    if "properties" not in schema:
        return f"<p>{_shape(schema)} {escape(schema.get('description', ''))}</p>"
    required = set(schema.get("required", ()))
    lines = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td class='s'>{_shape(inner)}{'' if name in required else ', optional'}</td>"
        f"<td>{escape(inner.get('description', ''))}{_table(inner) if 'properties' in inner else ''}</td></tr>"
        for name, inner in schema["properties"].items()
    )
    return f"<table>{lines}</table>"


def _shape(schema: Schema) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"<a href='#{name}'>{name}</a>"
    if "enum" in schema:
        return " | ".join(escape(str(value)) for value in schema["enum"])
    kinds = schema.get("type", "any")
    shape = " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
    if shape == "array":
        shape = f"array of {_shape(schema['items'])}"
    default = f", default {escape(str(schema['default']))}" if "default" in schema else ""
    return shape + default
