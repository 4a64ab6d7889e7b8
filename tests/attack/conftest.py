"""An administrator of Alice's and Bob's team, beside whom others attack."""

import pytest

from portal.teams.models import Membership, Role, User
from tests.conftest import PASSWORD


@pytest.fixture
def dora(team):
    """An administrator of the team."""
    user = User.objects.create_user("dora", password=PASSWORD, email="dora@example.org")
    Membership.objects.create(team=team, user=user, role=Role.ADMIN)
    return user
