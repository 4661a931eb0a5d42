"""A DICOM conformance statement as a value, and its three forms: Markdown, HTML, and data for programs.

What it says is put together by `dimse.conformance` from the tables that drive negotiation and matching.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

ANY_SYNTAX = "*"


@dataclass(frozen=True, slots=True)
class Offered:
    """A SOP class of which this archive is SCP. transfer_syntaxes: UIDs, or ANY_SYNTAX; operations: DIMSE requests."""

    sop_class_uid: str
    sop_class: str
    service: str
    transfer_syntaxes: tuple[str, ...]
    operations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head; every row has as many cells."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A section; its number comes from its place. lists_sections: it is the table of contents."""

    title: str
    text: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    sections: tuple["Section", ...] = ()
    lists_sections: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """The whole. ae_title: of this archive."""

    product: str
    version: str
    ae_title: str
    offered: tuple[Offered, ...]
    sections: tuple[Section, ...]


def markdown(statement: Statement) -> str:
    """The statement for people who read text."""
    lines = [f"# {_title(statement)}", ""]
    for number, section in _numbered(statement.sections):
        depth = min(number.count(".") + 2, 6)
        lines += [f"{'#' * depth} {number} {section.title}", ""]
        for text in section.text:
            lines += [text, ""]
        if section.lists_sections:
            lines += [f"{'  ' * each.count('.')}- {each} {one.title}" for each, one in _contents(statement)] + [""]
        for table in section.tables:
            lines += [f"**{table.caption}**", "", _row(table.head), _row(("---",) * len(table.head))]
            lines += [*map(_row, table.rows), ""]
    return "\n".join(lines)


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("\\", "\\\\").replace("|", "\\|") for cell in cells) + " |"


def document(statement: Statement) -> dict[str, Any]:
    """The statement as JSON data."""
    return {
        "product": statement.product,
        "version": statement.version,
        "ae_title": statement.ae_title,
        "presentation_contexts": [
            {"sop_class_uid": each.sop_class_uid, "sop_class": each.sop_class, "service": each.service,
             "transfer_syntaxes": list(each.transfer_syntaxes), "operations": list(each.operations)}
            for each in statement.offered
        ],
        "sections": [_section(section) for section in statement.sections],
    }  # fmt: skip


def _section(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "text": list(section.text),
        "tables": [{"caption": table.caption, "rows": [dict(zip(table.head, row, strict=True)) for row in table.rows]}
                   for table in section.tables],
        "sections": [_section(each) for each in section.sections],
    }  # fmt: skip


STYLE = """
body{margin:0;background:#14181d;color:#d5dbe1;font:14px/1.5 system-ui,sans-serif;display:grid;grid-template-columns:19rem 1fr}
main>a{display:block}nav{position:sticky;top:0;height:100vh;overflow:auto;padding:1.2rem 1rem;background:#10141a;
border-right:1px solid #2a323b;box-sizing:border-box;font-size:13px}nav a{display:block;padding:.1rem 0}
main{padding:1.6rem 2rem 4rem;max-width:80rem;min-width:0;overflow-x:auto}code{font:13px ui-monospace,monospace}
a{color:#9fb6c9;text-decoration:none}a:hover{color:#fff}h1{font-size:1.5rem}h2{margin-top:2.4rem;border-bottom:1px solid #313a44}
h1,h2,h3,h4,h5,h6{font-weight:600;color:#eef2f5}table{border-collapse:collapse;margin:.4rem 0 1.4rem;min-width:50%;font-size:13px}
caption{text-align:left;font-weight:600;padding:.6rem 0 .3rem;color:#93a1af}
td,th{border:1px solid #2a323b;padding:.18rem .55rem;text-align:left;vertical-align:top}th{background:#1a2027}
@media(max-width:60rem){body{display:block}nav{position:static;height:auto}}
@media print{body{display:block;background:#fff;color:#000}nav{display:none}h1,h2,h3,h4{color:#000}td,th{border-color:#999}
th{background:#eee}}
"""


def html(statement: Statement) -> str:
    """The statement as one page: no script, nothing from elsewhere."""
    contents = "".join(
        f"<a style='padding-left:{number.count('.') * 0.9}rem' href='#s{number}'>{number} {escape(section.title)}</a>"
        for number, section in _contents(statement)
    )
    parts = []
    for number, section in _numbered(statement.sections):
        level = min(number.count(".") + 2, 6)
        parts.append(f"<h{level} id='s{number}'>{number} {escape(section.title)}</h{level}>")
        parts += [f"<p>{_prose(text)}</p>" for text in section.text]
        parts += [contents] if section.lists_sections else []
        parts += map(_html_table, section.tables)
    title = escape(_title(statement))
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        f"<title>{title}</title><style>{STYLE}</style><nav>{contents}</nav>"
        f"<main><h1>{title}</h1>{''.join(parts)}</main></html>"
    )


def _prose(text: str) -> str:
    return re.sub("`([^`]*)`", r"<code>\1</code>", escape(text))


def _html_table(table: Table) -> str:
    head = "".join(f"<th>{escape(cell)}" for cell in table.head)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}' for cell in row)}" for row in table.rows)
    return f"<table><caption>{escape(table.caption)}</caption><tr>{head}{rows}</table>"


def _contents(statement: Statement) -> list[tuple[str, Section]]:
    return [(number, section) for number, section in _numbered(statement.sections) if number.count(".") < 3]


def _title(statement: Statement) -> str:
    return f"DICOM Conformance Statement: {statement.product} {statement.version}"


def _numbered(sections: tuple[Section, ...], prefix: str = "") -> Iterator[tuple[str, Section]]:
    for place, section in enumerate(sections, 1):
        number = f"{prefix}{place}"
        yield number, section
        yield from _numbered(section.sections, f"{number}.")
