"""Targets and means of attacks: an administrator of Alice's and Bob's team, web servers, a hostile board."""

import contextlib

import pytest

from portal.teams.models import Membership, Role, User
from tests.attack.hostile import RunningHostileBoard
from tests.attack.web_server import web_server
from tests.conftest import PASSWORD


@pytest.fixture
def dora(team):
    """An administrator of the team."""
    user = User.objects.create_user("dora", password=PASSWORD, email="dora@example.org")
    Membership.objects.create(team=team, user=user, role=Role.ADMIN)
    return user


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with web_server(tmp_path_factory.mktemp("front")) as found:
        yield found


@pytest.fixture(scope="module")
def impatient(tmp_path_factory):
    with web_server(tmp_path_factory.mktemp("impatient"), impatient=True) as found:
        yield found


@pytest.fixture(scope="module")
def token(server):
    return server.client().token


@pytest.fixture
def crowd():
    """Sockets that are closed in the end."""
    with contextlib.ExitStack() as stack:
        yield lambda sock: stack.enter_context(sock)


@pytest.fixture(scope="module")
def started_board():
    board = RunningHostileBoard()
    yield board
    board.stop()


@pytest.fixture
def board(started_board):
    started_board.renew()
    return started_board
