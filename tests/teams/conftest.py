"""Dora administers Alice's team; a client that calls the API with a token."""

import pytest
from rest_framework.test import APIClient

from portal.teams import tokens
from portal.teams.models import Membership, Role, Scope, User
from tests.conftest import PASSWORD


@pytest.fixture
def dora(team):
    user = User.objects.create_user("dora", password=PASSWORD, email="dora@example.org")
    Membership.objects.create(team=team, user=user, role=Role.ADMIN)
    return user


@pytest.fixture
def admin(client, dora):
    """A browser in which Dora is signed in."""
    client.force_login(dora)
    return client


@pytest.fixture
def with_token():
    """Call it with a person, a team and scopes for an API client; ``client.made`` is its token."""

    def start(user, team, scopes=tuple(Scope.values), days=1):
        client = APIClient()
        client.made, client.secret = tokens.make(team, user, "Nightly", list(scopes), days)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {client.secret}")
        return client

    return start
