"""Settings of company accounts: what is off by default, and what is refused with a sentence."""

import importlib
import re

import pytest

from portal import env, identity_settings

OIDC = {"OIDC_ISSUER": "https://login.example.org", "OIDC_CLIENT_ID": "slipway"}
LDAP = {"LDAP_URL": "ldaps://ldap.example.org", "LDAP_SEARCH_BASE": "dc=example"}


@pytest.fixture
def read(monkeypatch):
    """Call it with variables for the settings that they give."""

    def start(**given):
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        return importlib.reload(identity_settings)

    yield start
    monkeypatch.undo()
    importlib.reload(identity_settings)


def test_everything_is_off_by_default(read):
    found = read()
    assert found.AUTHENTICATION_BACKENDS == ["django.contrib.auth.backends.ModelBackend"]
    assert (found.SECOND_FACTOR, found.GROUP_ROLES, found.PASSWORD_ACCOUNTS) == ("off", {}, [])


def test_what_is_named_is_switched_on_and_secrets_may_be_files(read, tmp_path):
    (tmp_path / "secret").write_text("hush\n")
    file = {"OIDC_CLIENT_SECRET_FILE": str(tmp_path / "secret")}
    found = read(**OIDC, **LDAP, **file, PASSWORD_ACCOUNTS="admin, ops", LDAP_USER_FILTER="")
    assert found.OIDC_CLIENT_SECRET == "hush" and found.LDAP_USER_FILTER == "(uid={username})"
    names = [name.rpartition(".")[2] for name in found.AUTHENTICATION_BACKENDS]
    assert names == ["NamedAccounts", "Directory", "Provider"]


def test_one_group_may_give_roles_in_several_teams(read):
    text = '{"all": [{"team": "A", "role": "administrator"}, {"team": "B", "role": "viewer"}]}'
    assert read(GROUP_ROLES=text).GROUP_ROLES == {"all": {"A": "admin", "B": "viewer"}}


@pytest.mark.parametrize(
    "given, sentence",
    [
        ({"OIDC_ISSUER": "http://login.example.org"}, "OIDC_ISSUER must begin with https://"),
        ({"OIDC_ISSUER": "https://login.example.org"}, "but not OIDC_CLIENT_ID"),
        (OIDC | {"OIDC_SCOPES": "email"}, "OIDC_SCOPES must hold openid"),
        (OIDC | {"OIDC_CLIENT_SECRET_FILE": "/nowhere"}, "OIDC_CLIENT_SECRET_FILE cannot be read"),
        ({"LDAP_URL": "ldap.example.org"}, "LDAP_URL must be like ldaps://"),
        ({"LDAP_URL": "ldaps://ldap.example.org"}, "set LDAP_SEARCH_BASE or LDAP_USER_DN"),
        (LDAP | {"LDAP_USER_DN": "uid=erin"}, "LDAP_USER_DN must hold {username}"),
        (LDAP | {"LDAP_URL": "ldap://ldap.example.org", "LDAP_STARTTLS": "no"}, "can be read on the network"),
        ({"GROUP_ROLES": "staff"}, "GROUP_ROLES must be JSON like"),
        ({"GROUP_ROLES": '{"staff": {"team": "A"}}'}, "GROUP_ROLES must be JSON like"),
        ({"GROUP_ROLES": '{"staff": {"team": "A", "role": "boss"}}'}, "not 'boss'"),
        ({"SECOND_FACTOR": "yes"}, "SECOND_FACTOR must be off, optional or required"),
        ({"COMPANY_CA_FILE": "/nowhere"}, "COMPANY_CA_FILE must be a file"),
    ],
)
def test_a_wrong_setting_is_refused_with_a_sentence(read, given, sentence):
    with pytest.raises(env.SettingError, match=re.escape(sentence)):
        read(**given)
