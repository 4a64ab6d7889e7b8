"""Recognizes a full disk, whoever reports it. Standard library only, for the portal and the workers."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator

from workers.contract.messages import msg

SENTENCE = msg("The server's disk is full: free space on it, then retry.")
# The exit status of a worker program that cannot even write its result. 74 is EX_IOERR of sysexits.h.
EXIT_STATUS = 74
_NUMBERS = {errno.ENOSPC, errno.EDQUOT}
_SQLITE_FULL = 13  # https://www.sqlite.org/rescode.html#full
_POSTGRES_DISK_FULL = "53100"  # https://www.postgresql.org/docs/17/errcodes-appendix.html
# Errors without a number, only with a text: by the module that raises them.
_WORDS_OF = ("django.db", "sqlite3", "psycopg", "redis", "kombu", "botocore", "boto3")
_WORDS = re.compile(
    "database or disk is full|disk full|no space left|disk quota exceeded|storage full|xminiostoragefull|"
    "insufficientstorage",
    re.IGNORECASE,
)
_DEEPEST = 20


def no_space(error: BaseException | None) -> bool:
    """Whether a full disk or quota of the server, its database or its storage caused ``error``.

    Follows the chain of causes, because each library wraps the original error.
    """
    return any(_says_full(found) for found in chain(error))


def says_no_space(text: str) -> bool:
    """Whether a tool's output says that the disk is full."""
    return _WORDS.search(text) is not None


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what caused it, innermost last."""
    seen = 0
    while error is not None and seen < _DEEPEST:
        yield error
        seen += 1
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _says_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in _NUMBERS:
        return True
    if (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF == _SQLITE_FULL:
        return True
    if getattr(error, "sqlstate", None) == _POSTGRES_DISK_FULL or _status(error) == 507:
        return True
    return type(error).__module__.startswith(_WORDS_OF) and says_no_space(str(error)[:2000])


def _status(error: BaseException) -> int | None:
    """The HTTP status of an S3 error, as stored by botocore."""
    response = getattr(error, "response", None)
    facts = response.get("ResponseMetadata") if isinstance(response, dict) else None
    return facts.get("HTTPStatusCode") if isinstance(facts, dict) else None
