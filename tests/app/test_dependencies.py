"""What the product is made of is listed, with licences that were looked at; and the security page names tests that there are."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "scripts"))

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
