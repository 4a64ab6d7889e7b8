import pytest

from tests.review.belt import Belt


@pytest.fixture
def belt(team, alice):
    return Belt(team, alice)
