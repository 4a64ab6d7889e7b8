"""Recognises a full disk, whoever noticed it first. Standard library only, for the portal and the workers."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator

from workers.contract.messages import msg

SENTENCE = msg("The server's disk is full: free space on it, then retry.")
# What a worker program ends with when it cannot even write its result. 74 is EX_IOERR of sysexits.h.
EXIT_STATUS = 74
_NUMBERS = {errno.ENOSPC, errno.EDQUOT}
_SQLITE_FULL = 13  # https://www.sqlite.org/rescode.html#full
_POSTGRES_DISK_FULL = "53100"  # https://www.postgresql.org/docs/17/errcodes-appendix.html
# Errors that carry no number, only words: by the module that they come from.
_WORDS_OF = ("django.db", "sqlite3", "psycopg", "redis", "kombu", "botocore", "boto3")
_WORDS = re.compile(
    "database or disk is full|disk full|no space left|disk quota exceeded|storage full|xminiostoragefull|"
    "insufficientstorage",
    re.IGNORECASE,
)
_DEEPEST = 20


def no_space(error: BaseException | None) -> bool:
    """True when a full disk or quota of the server, its database or its storage caused ``error``.

    Follows the causes of the error, as each library wraps what it met.
    """
    return any(_says_full(found) for found in _chain(error))


def says_no_space(text: str) -> bool:
    """True when a tool's output says that the disk is full."""
    return _WORDS.search(text) is not None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
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
    """The HTTP status of a refusal of S3, as botocore keeps it."""
    response = getattr(error, "response", None)
    facts = response.get("ResponseMetadata") if isinstance(response, dict) else None
    return facts.get("HTTPStatusCode") if isinstance(facts, dict) else None
