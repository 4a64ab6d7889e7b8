"""A database that goes away in the middle of a request: what may be left out is, the rest is an outage."""

import pytest
from django.core.signals import request_started
from django.db import OperationalError, connections

from portal.core import patience
from portal.core.outages import outage_of
from portal.teams.models import Team

pytestmark = pytest.mark.django_db(transaction=True)


class Gone:
    """A connection whose other end has hung up."""

    def cursor(self, **_options):
        raise connections["default"].Database.OperationalError("database is locked")

    def close(self):
        pass


@pytest.fixture
def database():
    return connections["default"]


def refuse(*_arguments):
    raise OperationalError("unable to open database file")


def test_a_note_is_left_out_when_no_connection_can_be_made(database, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(database, "ensure_connection", refuse)
        with patience.note("a test"):
            refuse()


def test_a_broken_connection_is_an_outage_also_where_no_query_is_made(database, monkeypatch):
    database.ensure_connection()
    with monkeypatch.context() as patched:
        patched.setattr(database, "connection", Gone())
        with pytest.raises(OperationalError) as caught:
            patience._set(1)
        with patience.note("a test"):
            raise OperationalError("database is locked")
    assert outage_of(caught.value).status == 503


def test_a_connection_that_broke_between_two_requests_is_made_again(database, monkeypatch):
    database.ensure_connection()
    monkeypatch.setattr(patience._here, "is_web", False, raising=False)
    kept, database.connection = database.connection, Gone()
    request_started.send(sender=None)
    assert Team.objects.count() == 0
    kept.close()
