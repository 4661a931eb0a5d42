"""What the product is made of: docs/dependencies.md (names, versions, licences) and, with --sbom FILE, a CycloneDX 1.5 document.

Read from the lock files; the licences of Python packages from what is installed. `make sbom` runs it in the virtual environment.
"""

import argparse
import json
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "dependencies.md"
# What may come into the product: anything else is to be looked at by a person before it is added here.
FINE = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BlueOak-1.0.0", "CC-BY-4.0", "CC0-1.0", "ISC", "LGPL-3.0-only", "MIT",
    "MIT-0", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Python-2.0", "Unlicense", "WTFPL", "Zlib",
}  # fmt: skip
_CLASSIFIERS = {
    "MIT License": "MIT", "BSD License": "BSD-3-Clause", "Apache Software License": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}  # fmt: skip
_UNSAID = {"rechoir": "MIT"}  # the lock file does not say; the package's own file does, in an older form
_PIN = re.compile(r"([A-Za-z0-9._-]+)==([^ ;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Part:
    """One package of the product. origin: pypi or npm. hashes: (algorithm, hex or base64) of its files."""

    origin: str
    name: str
    version: str
    licence: str
    hashes: tuple[str, ...] = ()

    @property
    def purl(self) -> str:
        name = self.name.replace("@", "%40", 1)
        return f"pkg:{self.origin}/{name}@{self.version}"


def python_parts() -> list[Part]:
    """What requirements.txt pins."""
    found: list[tuple[str, str, list[str]]] = []
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if match := _PIN.match(line):
            found.append((match[1], match[2], []))
        elif found and (hashed := _HASH.search(line)):
            found[-1][2].append(hashed[1])
    return [Part("pypi", name, version, licence_of(name), tuple(hashes)) for name, version, hashes in found]


def licence_of(name: str) -> str:
    """The SPDX expression that an installed package names, or what its classifiers say."""
    about = metadata.metadata(name)
    if about.get("License-Expression"):
        return str(about["License-Expression"])
    told = [each.rpartition(" :: ")[2] for each in about.get_all("Classifier") or [] if each.startswith("License")]
    known = sorted({_CLASSIFIERS[each] for each in told if each in _CLASSIFIERS})
    return " OR ".join(known) or str(about.get("License") or "unknown").splitlines()[0]


def web_parts() -> list[Part]:
    """What web/package-lock.json pins of the client that is built; not what only builds and tests it."""
    packages: dict[str, dict[str, Any]] = json.loads((ROOT / "web" / "package-lock.json").read_text())["packages"]
    parts = {}
    for path, facts in packages.items():
        if path and not facts.get("dev"):
            name = path.rpartition("node_modules/")[2]
            licence = str(facts.get("license") or _UNSAID.get(name, "unknown"))
            parts[name, facts["version"]] = Part("npm", name, facts["version"], licence)
    return sorted(parts.values(), key=lambda part: part.name)


def unknown(parts: list[Part]) -> list[Part]:
    """Those with a licence that nobody has looked at."""
    return [part for part in parts if not set(re.split(r" AND | OR |[()]", part.licence)) - {""} <= FINE]


def page(parts: list[Part]) -> str:
    """The Markdown page."""
    lines = ["# What Isocenter is made of", "",
             "Written by `make sbom` from the lock files; the same as a CycloneDX document: `dist/sbom.cdx.json`. What only "
             "builds and tests it is not in it.", ""]
    for origin, title in (("pypi", "Server (Python)"), ("npm", "Web client (npm)")):
        lines += [f"## {title}", "", "| package | version | licence |", "|---|---|---|"]
        lines += [f"| {part.name} | {part.version} | {part.licence} |" for part in parts if part.origin == origin]
        lines.append("")
    return "\n".join(lines)


def sbom(parts: list[Part]) -> dict[str, Any]:
    """CycloneDX 1.5."""
    components = [
        {
            "type": "library", "bom-ref": part.purl, "name": part.name, "version": part.version, "purl": part.purl,
            "licenses": [{"expression": part.licence}],
            **({"hashes": [{"alg": "SHA-256", "content": each} for each in part.hashes]} if part.hashes else {}),
        }
        for part in parts
    ]  # fmt: skip
    product = {"type": "application", "name": "isocenter", "bom-ref": "isocenter"}
    return {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "metadata": {"component": product},
            "components": components}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sbom", type=Path, metavar="FILE")
    given = arguments.parse_args()
    parts = [*python_parts(), *web_parts()]
    PAGE.write_text(page(parts))
    if given.sbom:
        given.sbom.parent.mkdir(parents=True, exist_ok=True)
        given.sbom.write_text(json.dumps(sbom(parts), indent=1))


if __name__ == "__main__":
    main()
