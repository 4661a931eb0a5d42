"""Known vulnerabilities of what the product is made of: `npm audit` and `pip-audit` over the lock files (`make audit`).

Their data come from where npm and pip get packages. Where that has none (a mirror, no network) it is said, and is no failure
unless --strict asks for it: nothing known is not the same as nothing there. Exit code 1 when something is known.
"""

import argparse
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SECONDS = 120
_PIP_AUDIT = "pip-audit is not installed: pipx install pip-audit"


@dataclass(frozen=True, slots=True)
class Audit:
    """What was learnt. known: package, version or range, and what is known of it; missing: why nothing can be said."""

    of: str
    known: list[str] = field(default_factory=list)
    missing: str = ""
    looked_at: int = 0


def of_npm(answer: dict[str, Any]) -> Audit:
    """Of the JSON of `npm audit`."""
    if "vulnerabilities" not in answer:
        return Audit("npm", missing=f"the registry has no advisories ({_reason(answer)})")
    known = []
    for name, found in sorted(answer["vulnerabilities"].items()):
        titles = [via["title"] for via in found["via"] if isinstance(via, dict)]
        if titles:  # others are only reached through these
            known.append(f"{name} {found['range']}: {found['severity']}: {'; '.join(titles)}")
    return Audit("npm", known, looked_at=int(answer.get("metadata", {}).get("dependencies", {}).get("total", 0)))


def of_pip(answer: dict[str, Any]) -> Audit:
    """Of the JSON of `pip-audit`. What it skips it has not looked at."""
    parts = answer.get("dependencies", [])
    looked_at = [part for part in parts if "vulns" in part]
    if not looked_at:
        return Audit("pip", missing="the index tells nothing of vulnerabilities")
    known = []
    for part in looked_at:
        for found in part["vulns"]:
            mended = ", ".join(found.get("fix_versions", [])) or "nothing yet"
            known.append(f"{part['name']} {part['version']}: {found['id']}, mended in {mended}")
    skipped = [part["name"] for part in parts if "vulns" not in part]
    return Audit("pip", known, f"nothing is told of {', '.join(skipped)}" if skipped else "", len(looked_at))


def _reason(answer: dict[str, Any]) -> str:
    """Why there is none, without the address that was asked."""
    said = answer.get("message") or answer.get("error", {}).get("summary") or "no answer"
    return str(said).splitlines()[0].split(" - ")[0][:80]


def _asked(command: list[str], folder: Path) -> dict[str, Any]:
    """The JSON that a program prints, whatever its exit code; {} when it prints none."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS)
        answer = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, OSError, json.JSONDecodeError):
        return {}
    return answer if isinstance(answer, dict) else {}


def audits() -> list[Audit]:
    """Of the web client and of the server."""
    npm, pip = shutil.which("npm"), shutil.which("pip-audit")
    web = [str(npm), "audit", "--omit=dev", "--json", "--fetch-retries=0", "--fetch-timeout=30000"]
    server = [str(pip), "--disable-pip", "--require-hashes", "--progress-spinner=off", "--format=json", "-r", "requirements.txt"]
    return [
        of_npm(_asked(web, ROOT / "web")) if npm else Audit("npm", missing="npm is not installed"),
        of_pip(_asked(server, ROOT)) if pip else Audit("pip", missing=_PIP_AUDIT),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--strict", action="store_true", help="also fail when nothing can be said of some package")
    strict = parser.parse_args().strict
    found = audits()
    for audit in found:
        print(f"{audit.of}: {len(audit.known)} known vulnerabilities in {audit.looked_at} packages")
        for line in audit.known:
            print(f"  {line}")
        if audit.missing:
            print(f"  not looked up: {audit.missing}")
    return 1 if any(audit.known or (strict and audit.missing) for audit in found) else 0


if __name__ == "__main__":
    sys.exit(main())
