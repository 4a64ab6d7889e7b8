"""What every command has: the screen with ``--json``, and the client of the portal one is signed in to."""

from __future__ import annotations

import functools
import os
import sys
from dataclasses import dataclass

import click

from slipway import Client
from slipway.cli.screen import Screen
from slipway.errors import ReaderGone, Usage


@dataclass
class App:
    """Handed to every command as its first argument."""

    screen: Screen
    cacert: str = ""

    @functools.cached_property
    def client(self) -> Client:
        """Raises NotAllowed when one is not signed in."""
        client = Client(cacert=self.cacert)
        client.on_wait = self.screen.note
        return client


def command(group: click.Group, name: str, **options):
    """Add a function to ``group`` as a command with ``--json``."""

    def decorate(function):
        @click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
        @click.option("--cacert", default="", metavar="FILE", help="Trust the authorities in this PEM file.")
        @functools.wraps(function)
        def wrapped(as_json: bool, cacert: str, **values):
            try:
                function(App(Screen(as_json), cacert), **values)
                sys.stdout.flush()
            except BrokenPipeError as error:
                # Python flushes standard output once more at the end: give it somewhere to go.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                raise ReaderGone from error
            except OSError as error:
                raise Usage(f"{error.filename or 'The disk'} cannot be used ({error.strerror}).") from error

        return group.command(name, **options)(wrapped)

    return decorate
