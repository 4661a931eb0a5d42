"""Build hook of the wheel: the built web client travels inside it, so that an installed Isocenter needs no Node."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WEB_SOURCES = ("src", "public", "index.html", "package-lock.json", "vite.config.ts")


def newest(root: Path) -> float:
    """The time of the newest source file of the web client, 0.0 when there is none."""
    times = [0.0]
    for name in WEB_SOURCES:
        path = root / name
        files = [path] if path.is_file() else (f for f in path.rglob("*") if f.is_file())
        times.extend(f.stat().st_mtime for f in files)
    return max(times)


def stale(web: Path, built: Path) -> bool:
    """True when the built client is missing or older than its sources."""
    index = built / "index.html"
    return not index.exists() or index.stat().st_mtime < newest(web)


class WebClientHook(BuildHookInterface[Any]):
    """Runs `npm ci` and `npm run build` in web/ when the built client is missing or stale and npm is there."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        web = Path(self.root) / "web"
        built = Path(self.root) / "src" / "isocenter" / "web_client"
        if version == "editable" or os.environ.get("ISOCENTER_SKIP_WEB_BUILD") or not stale(web, built):
            return
        npm = shutil.which("npm")
        if npm is None or not (web / "package.json").exists():
            if not (built / "index.html").exists():
                self.app.display_warning("no npm here and no built web client: this wheel serves the API without its pages")
            return
        if not (web / "node_modules").exists():
            subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=web, check=True)
        subprocess.run([npm, "run", "build"], cwd=web, check=True)
