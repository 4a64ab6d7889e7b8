"""Errors, each with an exit code of the command line. The message is one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class SlipwayError(Exception):
    """The base of all errors.

    If the portal returned a problem, its fields are here: ``status`` (HTTP), ``title``, ``errors`` (sentences
    by field) and ``request_id``, which the server's log contains; else 0 and empty.
    """

    exit_code = 1

    def __init__(
        self,
        sentence: str = "",
        *,
        status: int = 0,
        title: str = "",
        errors: Mapping[str, Any] | None = None,
        request_id: str = "",
    ):
        super().__init__(sentence)
        self.status, self.title, self.request_id = status, title, request_id
        self.errors = dict(errors or {})


class Failed(SlipwayError):
    """The job or the run failed or was cancelled."""


class Usage(SlipwayError):
    """Invalid usage, or a file or folder that cannot be used."""

    exit_code = 2


class NotAllowed(SlipwayError):
    """Not signed in, an invalid token, or a missing permission."""

    exit_code = 3


class NotFound(SlipwayError):
    """No dataset, run, job, device or file with this name or number."""

    exit_code = 4


class Unreachable(SlipwayError):
    """No response from the portal, or one that says that it is out of order."""

    exit_code = 5


class MissingField(Unreachable, KeyError):
    """The portal's response lacks a field: the portal and the client are of different releases."""

    __str__ = Exception.__str__  # a KeyError would quote the sentence


class Refused(SlipwayError):
    """The portal rejects the request: a file, a value, or the current state forbids it."""

    exit_code = 6


class Undecided(SlipwayError):
    """An upload can be read in more than one way, or a person asked to review it: it waits."""

    exit_code = 7


class BelowLimits(SlipwayError):
    """The run or the search succeeded, but a model misses its quality limits."""

    exit_code = 8


class Interrupted(SlipwayError):
    """Ctrl-C; the message says what continues on the portal."""

    exit_code = 130


class ReaderGone(SlipwayError):
    """The reader of standard output has closed it; the code is a shell's for SIGPIPE."""

    exit_code = 141


# The docstrings are what the command line prints about its exit codes.
EXIT_CODES = {0: "Done."} | {kind.exit_code: kind.__doc__ for kind in SlipwayError.__subclasses__()}
