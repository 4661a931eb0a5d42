"""Logging for people and machines: one line an event, text or JSON, on standard error. Never patient data.

Code logs through `logging.getLogger(__name__)` with a fixed message and facts in `extra={"facts": {...}}`: facts are AE titles,
addresses, UIDs, counts and durations. Of an exception its type is logged, its message only when that is ours or the system's:
a database driver, for one, quotes the values of the statement that failed, and those may be a patient's name.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    facts = dict(getattr(record, "facts", {}))
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        ours = isinstance(error, OSError) or type(error).__module__.startswith("isocenter.")
        facts["error"] = f"{type(error).__name__}: {error}" if ours else type(error).__name__
    return facts


class JsonFormatter(logging.Formatter):
    """One JSON object a line: at, level, role, logger, message, and the facts."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self.role = role

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname.lower(), "role": self.role, "pid": record.process, "logger": record.name,
                "message": record.getMessage(), **_facts(record)}
        return json.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """The same for eyes: 12:30:01 INFO dicom  message  key=value."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self.role = role

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).astimezone().strftime("%H:%M:%S")
        facts = "".join(f"  {key}={value}" for key, value in _facts(record).items())
        text = f"{at} {record.levelname:<7} {self.role:<10} {record.getMessage()}{facts}"
        # A line stays a line: a peer's text must not be able to forge a second one.
        text = text.replace("\r", "\\r").replace("\n", "\\n")
        if record.exc_info and record.exc_info[2] and logging.getLogger().level <= logging.DEBUG:
            text += "\n" + "".join(traceback.format_tb(record.exc_info[2]))
        return text


def configure(level: str, style: str, role: str) -> None:
    """Send everything to standard error. level: settings.log_level; style: settings.log_format; role: serve, dicom, web..."""
    as_text = style == "text" or (style == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TextFormatter(role) if as_text else JsonFormatter(role))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    # Alembic and granian narrate; pydicom quotes values of data sets in its warnings, which may be patient data.
    for name, floor in (("alembic", logging.WARNING), ("sqlalchemy", logging.WARNING), ("pydicom", logging.CRITICAL),
                        ("_granian", logging.WARNING), ("granian.access", logging.WARNING)):
        logging.getLogger(name).setLevel(max(floor, LEVELS[level]))
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").setLevel(logging.ERROR)
