"""What commands print: tables, JSON, progress. Answers go to standard output, progress and errors to standard error."""

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import orjson
from tqdm import tqdm

from isocenter.domain.errors import Busy, IsocenterError

# Plain lines of progress where there is no terminal: often enough to see life, seldom enough for a log file.
PLAIN_SECONDS = 10.0


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode() + "\n")


def print_table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
    """Aligned columns. columns: key of the row -> heading."""
    cells = [[str(row[key]) if row[key] is not None else "" for key in columns] for row in rows]
    lines = [list(columns.values()), *cells]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def print_rows(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str], *, as_json: bool) -> None:
    """A list command's answer: a JSON list with every key, or a table of the named columns."""
    listed = list(rows)
    if as_json:
        print_json(listed)
    elif listed:
        print_table(listed, columns)
    else:
        print("none")


def print_error(error: IsocenterError) -> None:
    """What happened, what was kept, what to do; each on its own line."""
    where = f" (at {error.where})" if error.where else ""
    print(f"isocenter: {error.message}{where}", file=sys.stderr)
    if error.kept:
        print(f"  kept: {error.kept}", file=sys.stderr)
    hint = error.hint or (f"try again in {error.retry_after} s" if isinstance(error, Busy) else "")
    if hint:
        print(f"  to do: {hint}", file=sys.stderr)


class Progress:
    """A bar on a terminal, a plain line now and then elsewhere. Use as a context manager and call `advance`."""

    def __init__(self, title: str, unit: str, total: int | None = None, *, quiet: bool = False) -> None:
        self.title, self.unit, self.total, self.done = title, unit, total, 0
        self._bar: Any = None
        self._quiet = quiet
        self._said = time.monotonic()
        if not quiet and sys.stderr.isatty():
            self._bar = tqdm(total=total, desc=title, unit=f" {unit}", file=sys.stderr, dynamic_ncols=True, leave=False)

    def expect(self, total: int) -> None:
        """The total has become known, or has grown."""
        self.total = total
        if self._bar is not None:
            self._bar.total = total
            self._bar.refresh()

    def advance(self, count: int = 1) -> None:
        """count more units are done."""
        self.done += count
        if self._bar is not None:
            self._bar.update(count)
        elif not self._quiet and time.monotonic() - self._said >= PLAIN_SECONDS:
            self._said = time.monotonic()
            of = f" of {self.total}" if self.total is not None else ""
            print(f"{self.title}: {self.done}{of} {self.unit}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Take the bar away, so that other words can follow."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
