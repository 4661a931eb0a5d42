"""`isocenter permissions` and docs/permissions.md: all that can be asked, with what it needs."""

import json
from pathlib import Path

import pytest

from isocenter import cli
from isocenter.api.routes import ENDPOINTS
from isocenter.commands.permissions import ANY_ACCOUNT, ANYBODY, reference, requests
from isocenter.dicomweb.routes import RESOURCES
from isocenter.domain.access import PERMISSIONS, Permission, Role


def test_the_page_is_current() -> None:
    written = (Path(__file__).parents[2] / "docs" / "permissions.md").read_text()
    assert written == reference(), "run: isocenter permissions > docs/permissions.md"


def test_every_permission_is_needed_by_something_or_narrows_what_else_is_shown() -> None:
    needed = {row.needs for row in requests()} - {ANY_ACCOUNT, ANYBODY}
    # hanging:share: the same request, for everybody instead of oneself; share:manage: links of others; study:sensitive: what is
    # found at all
    assert {*Permission} - needed == {Permission.HANGING_SHARE, Permission.SHARE_MANAGE, Permission.STUDY_SENSITIVE}


def test_the_command_prints_what_the_tables_hold(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["permissions", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["roles"] == {role.value: sorted(PERMISSIONS[role]) for role in Role}
    protocols = [row["protocol"] for row in printed["requests"]]
    assert protocols.count("API") == len(ENDPOINTS) and protocols.count("DICOMweb") == len(RESOURCES) + 2
    assert {"protocol": "DIMSE", "request": "Query: C-FIND", "needs": "study:query", "links": False} in printed["requests"]
