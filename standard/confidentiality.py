"""Reduce PS3.15 Annex E, and the types that PS3.3 gives the attributes it judges by type, to `confidentiality.json`.

    .venv/bin/python standard/confidentiality.py FOLDER

FOLDER holds what was fetched (README.md says from where): confidentiality_profile_attributes.json (Table E.1-1), part15.html
(Table E.3.10-1), module_attribute_map.json, iod_module_map.json, sop_class_iod_map.json (the modules of PS3.3). `generate.py`
writes the module of the program from the result.
"""

import json
import re
import sys
from html import unescape
from pathlib import Path
from typing import Any

from pydicom.datadict import tag_for_keyword

RESULT = Path(__file__).with_name("confidentiality.json")
COLUMNS = {
    "rtnSafePrivOpt": "private", "rtnUIDsOpt": "uids", "rtnDevIdOpt": "device", "rtnInstIdOpt": "institution",
    "rtnPatCharsOpt": "patient", "rtnLongFullDatesOpt": "full_dates", "rtnLongModifDatesOpt": "modified_dates",
    "cleanDescOpt": "descriptors", "cleanStructContOpt": "content", "cleanGraphOpt": "graphics",
}  # fmt: skip


def actions(rows: list[dict[str, str]]) -> dict[str, Any]:
    """Tag (or mask) -> what the profile does, and each option."""
    made = {}
    for row in rows:
        options = {ours: row[theirs] for theirs, ours in COLUMNS.items() if theirs in row}
        made[row["tag"].strip("()").replace(",", "").upper()] = {"basic": row["basicProfile"], **options}
    return dict(sorted(made.items()))


def safe_private(page: str) -> list[list[str]]:
    """(group, creator, element) of Table E.3.10-1."""
    table = page[page.rindex('id="table_E.3.10-1"') :]
    table = table[: table.index("</table>")]
    found = []
    for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL):
        cells = [unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)]
        match = re.fullmatch(r"\(([0-9A-Fa-f]{4}),xx([0-9A-Fa-f]{2})\)", cells[0]) if cells else None
        if match:
            found.append([match[1].upper(), re.sub(r"\s+", " ", cells[1]), match[2].upper()])
    return found


def types(folder: Path, judged: set[int]) -> list[list[Any]]:
    """(tag, sequence around it or 0, the usual type, {other type: SOP classes}), the strictest of all modules of an IOD."""
    modules = json.loads((folder / "module_attribute_map.json").read_text())
    iods = json.loads((folder / "iod_module_map.json").read_text())
    classes = json.loads((folder / "sop_class_iod_map.json").read_text())
    found: dict[tuple[int, int], dict[str, str]] = {}
    for uid, iod in classes.items():
        for module in iods.get(iod, ()):
            for row in modules.get(module["key"], ()):
                tag = tag_for_keyword(row["keyword"])
                if tag in judged:
                    around = (tag_for_keyword(row["path"][-1]) or 0) if row["path"] else 0
                    held = found.setdefault((tag, around), {})
                    held[uid] = min(held.get(uid, "9"), row["type"][0])
    made = []
    for (tag, around), held in sorted(found.items()):
        usual = max(sorted(set(held.values())), key=list(held.values()).count)
        others: dict[str, list[str]] = {}
        for uid, kind in sorted(held.items()):
            if kind != usual:
                others.setdefault(kind, []).append(uid)
        made.append([f"{tag:08X}", f"{around:08X}", usual, others])
    return made


def main() -> int:
    """Write the result."""
    folder = Path(sys.argv[1])
    rows = actions(json.loads((folder / "confidentiality_profile_attributes.json").read_text()))
    judged = {int(tag, 16) for tag, row in rows.items() if "/" in row["basic"]}
    made = {"actions": rows, "safe_private": safe_private((folder / "part15.html").read_text()), "types": types(folder, judged)}
    RESULT.write_text(json.dumps(made, indent=0, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
