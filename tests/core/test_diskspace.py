"""A full disk is recognised whatever noticed it, and nothing else is taken for one."""

import errno
import sqlite3

import pytest
from botocore.exceptions import ClientError
from django.db import OperationalError, connection
from redis.exceptions import ResponseError

from portal.core.diskspace import no_space


class DiskFull(Exception):
    sqlstate = "53100"


def refusal_of_s3(code: str, status: int) -> ClientError:
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "PutObject")


def caused(outer: Exception, inner: Exception) -> Exception:
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        OperationalError("database or disk is full"),
        caused(RuntimeError("could not write"), OSError(errno.ENOSPC, "No space left on device")),
        caused(OperationalError("something"), DiskFull()),
        ResponseError("MISCONF Errors writing to the AOF file: No space left on device"),
        refusal_of_s3("InsufficientStorage", 507),
        refusal_of_s3("XMinioStorageFull", 500),
    ],
    ids=str,
)
def test_it_recognises_a_full_disk(error):
    assert no_space(error)


@pytest.mark.parametrize(
    "error",
    [
        None,
        OSError(errno.EACCES, "Permission denied"),
        OperationalError("database is locked"),
        ValueError("the board says: No space left on device"),
        refusal_of_s3("AccessDenied", 403),
        caused(RuntimeError("x"), ValueError("y")),
    ],
    ids=str,
)
def test_it_takes_nothing_else_for_a_full_disk(error):
    assert not no_space(error)


def test_it_recognises_what_sqlite_really_raises(tmp_path):
    full = sqlite3.connect(tmp_path / "small.sqlite3")
    full.execute("PRAGMA max_page_count = 2")
    with pytest.raises(sqlite3.OperationalError) as raised:
        full.execute("CREATE TABLE a (b)")
        full.execute("INSERT INTO a VALUES (zeroblob(100000))")
    full.close()
    assert no_space(raised.value)


@pytest.mark.sqlite
def test_it_recognises_a_full_database_as_django_raises_it(transactional_db):
    with connection.cursor() as cursor:
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count = {pages}")
        try:
            with pytest.raises(OperationalError) as raised:
                cursor.execute("CREATE TABLE too_large AS SELECT zeroblob(10000000)")
        finally:
            cursor.execute("PRAGMA max_page_count = 4294967294")
    assert no_space(raised.value)


def test_a_cause_that_names_itself_ends_the_search():
    error = RuntimeError("round and round")
    error.__context__ = other = RuntimeError("again")
    other.__cause__ = error
    assert not no_space(error)
