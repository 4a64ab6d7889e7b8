"""What every command has: the screen with ``--json``, and the client of the portal one is signed in to."""

from __future__ import annotations

import functools
import os
import sys
from dataclasses import dataclass

import click
import requests

from portal.cli import config
from portal.cli.client import Client
from portal.cli.errors import ReaderGone, Unreachable, Usage
from portal.cli.screen import Screen


@dataclass
class App:
    """Handed to every command as its first argument."""

    screen: Screen

    @functools.cached_property
    def client(self) -> Client:
        """Raises NotAllowed when one is not signed in."""
        login = config.current()
        client = Client(login.url, login.token)
        client.on_wait = self.screen.note
        return client


def command(group: click.Group, name: str, **options):
    """Add a function to ``group`` as a command with ``--json``."""

    def decorate(function):
        @click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
        @functools.wraps(function)
        def wrapped(as_json: bool, **values):
            try:
                function(App(Screen(as_json)), **values)
                sys.stdout.flush()
            except BrokenPipeError as error:
                # Python flushes standard output once more at the end: give it somewhere to go.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                raise ReaderGone from error
            except requests.RequestException as error:
                raise Unreachable(
                    "What the portal answered cannot be understood: is it the right address?"
                ) from error
            except OSError as error:
                raise Usage(f"{error.filename or 'The disk'} cannot be used ({error.strerror}).") from error

        return group.command(name, **options)(wrapped)

    return decorate
