"""What attacks on accounts share."""

from base64 import b64encode

from rest_framework.test import APIClient

from portal.teams import password_links
from tests.conftest import PASSWORD

NEW = {"new_password1": "another battery horse", "new_password2": "another battery horse"}
ACCOUNT = {"username": "mallory", "email": "", "password1": NEW["new_password1"]}
ACCOUNT |= {"password2": ACCOUNT["password1"]}


def with_password(name="alice", password=PASSWORD, **extra):
    word = b64encode(f"{name}:{password}".encode()).decode()
    return APIClient(headers={"Authorization": f"Basic {word}"}, **extra)


def link_for(user, maker, team):
    return password_links.reset_path(user, maker, team)
