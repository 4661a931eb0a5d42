"""What the product is made of is listed, with licences that were looked at; and the security page names tests that there are."""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "scripts"))

import audit  # noqa: E402
import dependencies  # noqa: E402


def test_the_page_is_that_of_the_lock_files() -> None:
    parts = [*dependencies.python_parts(), *dependencies.web_parts()]
    assert dependencies.PAGE.read_text() == dependencies.page(parts), "run `make sbom`"
    assert len(parts) > 100 and {"pydicom", "react"} <= {part.name for part in parts}


def test_every_licence_was_looked_at() -> None:
    assert dependencies.unknown([*dependencies.python_parts(), *dependencies.web_parts()]) == []
    strange = dependencies.Part("pypi", "strange", "1", "MIT AND SSPL-1.0")
    assert dependencies.unknown([strange]) == [strange]


def test_the_bill_of_materials_is_cyclonedx() -> None:
    made = dependencies.sbom([*dependencies.python_parts(), *dependencies.web_parts()])
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.5")
    by_purl = {each["purl"]: each for each in made["components"]}
    assert len(by_purl) == len(made["components"])
    react = next(each for purl, each in by_purl.items() if purl.startswith("pkg:npm/react@"))
    assert react["licenses"] == [{"expression": "MIT"}]
    pydicom = next(each for purl, each in by_purl.items() if purl.startswith("pkg:pypi/pydicom@"))
    assert all(len(each["content"]) == 64 for each in pydicom["hashes"]) and pydicom["hashes"]


def test_the_tests_that_the_security_page_names_are_there() -> None:
    named = re.findall(r"`((?:tests|web)/[\w/.]+)(?:::(\w+))?`", (ROOT / "docs" / "security.md").read_text())
    assert len(named) > 20
    for path, function in named:
        text = (ROOT / path).read_text()
        assert not function or f"def {function}(" in text, f"{path}::{function}"


# As npm 10 and pip-audit 2.9 print them, shortened.
NPM = {
    "vulnerabilities": {
        "minimist": {"range": "<0.2.1", "severity": "moderate", "via": [{"title": "Prototype Pollution in minimist"}]},
        "mkdirp": {"range": "0.4.1 - 0.5.1", "severity": "moderate", "via": ["minimist"]},
    },
    "metadata": {"dependencies": {"total": 200}},
}  # fmt: skip
PIP = {"dependencies": [
    {"name": "jinja2", "version": "2.4.1", "vulns": [{"id": "PYSEC-2014-8", "fix_versions": ["2.7.2"]}, {"id": "GHSA-1"}]},
    {"name": "idna", "version": "3.20", "vulns": []}, {"name": "ours", "skip_reason": "not found"},
]}  # fmt: skip


def test_what_is_known_of_packages_is_told() -> None:
    npm, pip = audit.of_npm(NPM), audit.of_pip(PIP)
    assert npm == audit.Audit("npm", ["minimist <0.2.1: moderate: Prototype Pollution in minimist"], looked_at=200)
    assert pip.known == ["jinja2 2.4.1: PYSEC-2014-8, mended in 2.7.2", "jinja2 2.4.1: GHSA-1, mended in nothing yet"]
    assert pip.looked_at == 2 and pip.missing == "nothing is told of ours"


def test_where_nothing_is_told_nothing_is_claimed() -> None:
    refused = {"message": "405 Method Not Allowed - POST https://registry.invalid/-/npm/v1", "error": {"summary": ""}}
    assert audit.of_npm(refused).missing == "the registry has no advisories (405 Method Not Allowed)"
    assert audit.of_npm({}).missing.endswith("(no answer)")
    assert audit.of_pip({"dependencies": [{"name": "idna", "skip_reason": "not found"}]}).missing
    assert audit.of_pip({}).missing


def test_an_audit_fails_for_what_is_known_and_strictly_for_what_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for answers, arguments, code in (
        ([audit.of_npm(NPM)], [], 1), ([audit.of_npm({})], [], 0), ([audit.of_npm({})], ["--strict"], 1),
        ([audit.of_npm({"vulnerabilities": {}})], ["--strict"], 0),
    ):  # fmt: skip
        monkeypatch.setattr(audit, "audits", lambda answers=answers: answers)
        monkeypatch.setattr(sys, "argv", ["audit.py", *arguments])
        assert audit.main() == code
