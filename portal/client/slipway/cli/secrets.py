"""Passwords and private keys of boards and jump hosts, as people give them to a command."""

from __future__ import annotations

import os
import sys

import click

from slipway.errors import Usage


def credentials(key, password_stdin: bool) -> dict[str, str]:
    """The fields of a request; a password given with a key unlocks it."""
    password = _password(password_stdin, needed=key is None)
    return {"private_key": key.read(), "passphrase": password} if key else {"password": password}


def _password(from_stdin: bool, needed: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    known = os.environ.get("SLIPWAY_DEVICE_PASSWORD", "")
    if known or not needed:
        return known
    if not sys.stdin.isatty():
        raise Usage("Give the password by --password-stdin or SLIPWAY_DEVICE_PASSWORD, or a --key.")
    return click.prompt("The password", hide_input=True, err=True)
