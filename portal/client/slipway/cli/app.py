"""What all commands share: the screen with ``--json`` and ``--fields``, and the portal's client."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from slipway import Client
from slipway.cli.numbers import Whole
from slipway.cli.screen import Screen
from slipway.documents import DisplayedDocument
from slipway.errors import ReaderGone, Usage

limited = click.option(
    "--limit",
    default=20,
    show_default=True,
    type=Whole(0, unit="rows"),
    help="Maximum number of rows; 0: all.",
)
confirmed = click.option("--yes", is_flag=True, help="Skip the confirmation.")
since = click.option("--since", metavar="DAY", help="As in 2026-11-01.")
until = click.option("--until", metavar="DAY")


def is_given(value: Any) -> bool:
    """Whether an option was given: 0 is a value, and False a flag that was left out."""
    return value is not None and value is not False


@dataclass
class App:
    """Passed to every command as its first argument."""

    screen: Screen
    cacert: str = ""

    @functools.cached_property
    def client(self) -> Client:
        """Raises NotAllowed without a login."""
        client = Client(cacert=self.cacert)
        client.on_wait = self.screen.note
        client.document_class = DisplayedDocument
        return client

    def rows(self, path: str, limit: int, **wanted: Any) -> list[Any]:
        """The rows of a list with these query parameters, newest first. Notes if there are more than
        ``limit``.
        """
        wanted = {key: value for key, value in wanted.items() if value not in (None, "", ())}
        found = self.client.rows(path, most=limit + 1 if limit else None, **wanted)
        return self.cut(list(found), limit)

    def cut(self, rows: list[Any], limit: int) -> list[Any]:
        """The first rows; notes if there are more."""
        if limit and len(rows) > limit:
            self.screen.note(f"There are more than these {limit}: see --limit.")
            return rows[:limit]
        return rows

    def delete(self, path: str, done: dict[str, Any], sentence: str) -> None:
        """Delete the resource at ``path``, and say so as ``done`` or with ``sentence``."""
        self.client.call("DELETE", path)
        self.screen.document(done)
        self.screen.line(sentence)

    def open(self, path: str) -> None:
        """Open a page of the portal in the browser, and print its URL."""
        address = f"{self.client.base}/{path}"
        click.launch(address)
        self.screen.document({"url": address})
        self.screen.line(address)

    def confirm(self, question: str, yes: bool) -> None:
        """Continue only after a confirmation. Raises Usage if nobody can be asked."""
        if yes:
            return
        if not sys.stdin.isatty():
            raise Usage("There is no terminal to ask on: give --yes.")
        click.confirm(question, abort=True, err=True)


def command(group: click.Group, name: str, page: Callable[..., str] | None = None, **options):
    """Add a function to ``group`` as a command with the common options.

    ``page`` maps the App and the command's values to the portal page that ``--web`` opens instead.
    """

    def decorate(function):
        @click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
        @click.option("--fields", default="", metavar="A,B.C", help="Print these fields only.")
        @click.option("--cacert", default="", metavar="FILE", help="Trust the authorities in this PEM file.")
        @functools.wraps(function)
        def wrapped(as_json: bool, fields: str, cacert: str, web: bool = False, **values):
            app = App(Screen(as_json, tuple(filter(None, fields.split(",")))), cacert)
            try:
                if web and page:
                    app.open(page(app, **values))
                else:
                    function(app, **values)
                sys.stdout.flush()
            except BrokenPipeError as error:
                # Python flushes standard output once more at exit: give it somewhere to go.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                raise ReaderGone from error
            except OSError as error:
                raise Usage(f"{error.filename or 'The disk'} cannot be used ({error.strerror}).") from error

        if page:
            wrapped = click.option("--web", is_flag=True, help="Open the page in the browser.")(wrapped)
        return group.command(name, **options)(wrapped)

    return decorate


def at(path: str) -> Callable[..., str]:
    """The page of a command whose page does not depend on its values."""
    return lambda app, **values: path
