"""`isocenter permissions`: which role may do what, and which permission each request of each protocol needs.

Made from the tables that routes and services are mounted from, so that what is not in it does not exist.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

from isocenter.commands.terminal import print_json
from isocenter.domain.access import PERMISSIONS, Permission, Role
from isocenter.settings import Loaded

ANY_ACCOUNT, ANYBODY = "any account", "anybody"


@dataclass(frozen=True, slots=True)
class Request:
    """Something that can be asked. needs: a permission, `ANY_ACCOUNT` or `ANYBODY`; linked: share links may, too."""

    protocol: str
    name: str
    needs: str
    linked: bool = False


def arguments_permissions(parser: argparse.ArgumentParser) -> None:
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON")
    form.add_argument("--markdown", action="store_true", help="as docs/permissions.md, which is also what comes without a choice")


def run_permissions(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """The roles with their permissions, and what each request needs."""
    if arguments.json:
        roles = {role.value: sorted(PERMISSIONS[role]) for role in Role}
        rows = [{"protocol": row.protocol, "request": row.name, "needs": row.needs, "links": row.linked} for row in requests()]
        print_json({"roles": roles, "requests": rows})
    else:
        print(reference(), end="")
    return 0


def requests() -> Iterator[Request]:
    """Everything that can be asked for over HTTP and DIMSE."""
    yield from _of_api()
    yield from _of_dicomweb()
    yield from _of_dimse()
    for path in ("/healthz", "/readyz"):
        yield Request("Operations", f"GET {path}", ANYBODY)
    yield Request("Operations", "GET /metrics", Permission.SYSTEM_READ)


def _of_api() -> Iterator[Request]:
    from isocenter.api.endpoint import Door
    from isocenter.api.routes import ENDPOINTS

    for row in ENDPOINTS:
        doors = {Door.PUBLIC: ANYBODY, Door.SIGNED_IN: ANY_ACCOUNT}
        needs = doors[row.needs] if isinstance(row.needs, Door) else row.needs.value
        also = f" (also {row.also})" if row.also else ""
        yield Request("API", f"{row.method} {row.path}{also}", needs, row.linked)


def _of_dicomweb() -> Iterator[Request]:
    from isocenter.dicomweb.routes import RESOURCES, template

    for row in RESOURCES:
        linked = row.method == "GET" and "workitems" not in row.pattern.pattern
        yield Request("DICOMweb", f"{row.method} {template(row)}", row.needs.value if row.needs else ANY_ACCOUNT, linked)
    yield Request("DICOMweb", "GET /wado (WADO-URI)", Permission.STUDY_READ, linked=True)
    yield Request("DICOMweb", "WebSocket /subscribers/{aetitle}", Permission.UPS_READ)


def _of_dimse() -> Iterator[Request]:
    from isocenter.dimse.services import SERVICES

    found: dict[Request, None] = {}
    for service in SERVICES:
        for field in service.operations:
            needed = service.need(field)
            operation = field.name.removesuffix("_RQ").replace("_", "-", 1).replace("_", "-")
            found[Request("DIMSE", f"{service.name}: {operation}", needed.value if needed else ANYBODY)] = None
    yield from found
    yield Request("DIMSE", "Storage: C-STORE", Permission.STUDY_STORE)


def reference() -> str:
    """docs/permissions.md."""
    rows = list(requests())
    lines = ["# Who may do what", "", "<!-- made by `isocenter permissions`; a test fails when this page is not current -->", "",
             "Made from the tables that routes and services are mounted from: a request that names no permission cannot be "
             "mounted. *For which studies* is another matter ([security.md](security.md#what-one-may-not-see)), and what "
             "somebody may not see changes no answer: `tests/app/test_hidden.py` and `tests/dimse/test_hidden.py` ask what is "
             "below of an archive with a study the caller may not see and of one without it, and must get the same.", "",
             "## Roles", "", f"| permission | {' | '.join(Role)} |", f"| --- |{' --- |' * len(Role)}"]
    lines += [f"| `{each}` | {' | '.join('yes' if each in PERMISSIONS[role] else '' for role in Role)} |" for each in Permission]
    lines += ["", "A known peer that calls without User Identity has the rights of `service`, within the services it is allowed "
              "([security.md](security.md)); a person who logs in at a device has their own.", "", "## Requests", "",
              "*link*: share links may ask it too, as far as the link opens. Paths of the API are below `/api/v1`, those of "
              "DICOMweb below `/dicom-web`.", ""]
    for needs in (*Permission, ANY_ACCOUNT, ANYBODY):
        asked = [row for row in rows if row.needs == needs]
        if asked:
            lines += [f"### {needs}", "", *map(_line, asked), ""]
    return "\n".join(lines)


def _line(row: Request) -> str:
    return f"- {row.protocol}: `{row.name}`{' *link*' if row.linked else ''}"
