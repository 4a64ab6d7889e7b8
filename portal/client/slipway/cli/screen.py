"""Output: tables, bars and sentences; or, with ``--json``, one document and nothing else.

Results go to standard output, progress and notes to standard error. Bars and drawn tables are for terminals;
elsewhere a table is tab-separated lines.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from slipway.documents import Missing
from slipway.errors import Usage

# Names come from other people: no character of theirs may control the terminal.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plain(value: Any) -> str:
    """A value as it may be displayed: empty for None or a missing field, without control characters."""
    return "" if value is None or isinstance(value, Missing) else _CONTROLS.sub("\ufffd", str(value))


def picked(value: Any, fields: Sequence[str]) -> Any:
    """A document, or each document of a list, with these fields only; ``job.status`` is a nested one.

    Raises Usage for a field that does not exist.
    """
    if isinstance(value, list):
        return [picked(one, fields) for one in value]
    return {field: _part(value, field) for field in fields}


def _part(value: Any, field: str) -> Any:
    """A field of a document; for a list, that of each row."""
    name, _, rest = field.partition(".")
    if isinstance(value, list):
        return [_part(one, field) for one in value]
    if value is None:
        return None
    if not isinstance(value, dict) or name not in value:
        known = ", ".join(value) if isinstance(value, dict) else "none"
        raise Usage(f"There is no field {name!r}: there are {known}.")
    return _part(value[name], rest) if rest else value[name]


class Screen:
    """``fields`` replace the command's own table and lines."""

    def __init__(self, as_json: bool = False, fields: Sequence[str] = ()):
        self.as_json, self.fields = as_json, fields
        self.is_plain = not as_json and not fields
        self.out = Console(file=sys.stdout, markup=False, highlight=False, emoji=False, soft_wrap=True)
        self.err = Console(file=sys.stderr, markup=False, highlight=False, emoji=False, soft_wrap=True)

    def document(self, value: Any) -> None:
        """The result for a program: all of it with ``--json``, only the named fields with ``--fields``;
        else nothing.
        """
        if self.fields:
            value = picked(value, self.fields)
        if self.as_json:
            json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
            sys.stdout.write("\n")
        elif self.fields:
            rows = value if isinstance(value, list) else [value]
            self._draw(self.fields, [[_cell(row[field]) for field in self.fields] for row in rows])

    def line(self, text: str = "") -> None:
        """A line of the result; nothing with ``--json`` or ``--fields``."""
        if self.is_plain:
            print(plain(text), file=self.out.file)

    def note(self, text: str) -> None:
        """A note on standard error."""
        self.err.print(plain(text))

    def raw(self, text: str) -> None:
        """A piece of a log, unchanged unless it goes to a terminal."""
        if self.is_plain:
            sys.stdout.write("\n".join(map(plain, text.split("\n"))) if self.out.is_terminal else text)
            sys.stdout.flush()

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "") -> None:
        """A table of the result. A column whose name begins with ``>`` is right-aligned."""
        if self.is_plain:
            self._draw(columns, rows, title)

    def _draw(self, columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "") -> None:
        cells = [[plain(cell) for cell in row] for row in rows]
        names = [column.lstrip(">") for column in columns]
        if not self.out.is_terminal:
            for row in [names, *cells]:
                print("\t".join(re.sub(r"\s", " ", cell) for cell in row), file=self.out.file)
            return
        drawn = Table(title=title or None, title_justify="left", header_style="bold")
        for column, name in zip(columns, names, strict=True):
            drawn.add_column(name, justify="right" if column.startswith(">") else "left", overflow="fold")
        for row in cells:
            drawn.add_row(*row)
        self.out.print(drawn, soft_wrap=False)

    @contextlib.contextmanager
    def bytes_bar(self, what: str, total: int | None, begun_at: int = 0) -> Iterator[Callable[[int], None]]:
        """A bar with rate and time left; the block gets a callback for the bytes done so far."""
        columns = [
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=28),
            DownloadColumn(binary_units=True),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        ]
        with Progress(*columns, console=self.err, disable=not self.shows_bars, transient=True) as progress:
            bar = progress.add_task(plain(what), total=total, completed=begun_at)
            yield lambda done: progress.update(bar, completed=done)

    def steps_bars(self) -> Progress:
        """Bars of a run's steps."""
        columns = [
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[state]}", markup=False),
            TextColumn("{task.fields[took]}", justify="right"),
        ]
        return Progress(*columns, console=self.err, disable=not self.shows_bars)

    @property
    def shows_bars(self) -> bool:
        return self.err.is_terminal


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list | bool) else value


def percent(fraction: float | None) -> str:
    """A fraction as a percentage: ``98.70 %``."""
    return "" if fraction is None or isinstance(fraction, Missing) else f"{100 * fraction:.2f} %"


def points(fraction: float | None) -> str:
    """A difference of two fractions: ``0.33 points``."""
    if fraction is None or isinstance(fraction, Missing):
        return ""
    return f"{round(100 * fraction, 2) + 0.0:.2f} points"  # no -0.00


def seconds(value: float | None) -> str:
    """``4.2 s``, ``3 min 12 s`` or ``1 h 05 min``."""
    if value is None or isinstance(value, Missing):
        return ""
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def size(count: float | None) -> str:
    """``1.5 MB`` (powers of 1024)."""
    if count is None or isinstance(count, Missing):
        return ""
    for unit in ("bytes", "KB", "MB"):
        if count < 1024:
            return f"{count:.0f} bytes" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GB"
