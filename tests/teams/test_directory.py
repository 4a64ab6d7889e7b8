"""Signing in by the directory (LDAP), against a server that speaks its protocol on loopback."""

import datetime
import ipaddress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from portal.teams import directory, second_factor
from portal.teams.models import AuditEntry, Membership, User
from tests.conftest import PASSWORD
from tests.fakes.ldap_server import BASE, READER, Directory, person

WORD = "the directory's password"
PEOPLE = f"ou=people,{BASE}"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Of 127.0.0.1, signed by itself: its file, and that of its key."""
    folder, key = tmp_path_factory.mktemp("tls"), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "directory")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    files = folder / "cert.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    return files


@pytest.fixture(scope="module")
def running(certificate):
    found = Directory(certificate)
    yield found
    found.close()


@pytest.fixture
def server(running, certificate, settings, db):
    """The directory with Erin in it, and a portal that searches there by STARTTLS."""
    running.reset()
    running.entries |= dict([person("erin", WORD)])
    settings.LDAP_URL = f"ldap://127.0.0.1:{running.port}"
    settings.COMPANY_CA_FILE = certificate[0]
    settings.LDAP_BIND_DN, settings.LDAP_BIND_PASSWORD = READER
    settings.LDAP_SEARCH_BASE = PEOPLE
    settings.AUTHENTICATION_BACKENDS = [
        "django.contrib.auth.backends.ModelBackend", "portal.teams.backends.Directory",
    ]  # fmt: skip
    return running


def give(client, name="erin", password=WORD):
    return client.post(reverse("sign-in"), {"username": name, "password": password})


def who(client):
    found = client.session.get("_auth_user_id")
    return User.objects.get(pk=found).username if found else None


def test_one_signs_in_with_the_name_and_password_of_the_directory(client, server, settings):
    assert give(client)["Location"] == "/"
    erin = User.objects.get()
    assert who(client) == "erin" and erin.email == "erin@example.org" and not erin.has_usable_password()
    assert client.session.get_expiry_age() == settings.COMPANY_SESSION_SECONDS
    give(Client())
    assert User.objects.count() == 1
    assert AuditEntry.objects.filter(verb="sign-in.password", actor=erin, result="done").count() == 2
    assert all(is_tls for _, _, is_tls in server.binds) and len(server.binds) == 4


def test_ldaps_and_a_template_without_a_search_work_as_well(client, server, settings):
    server.tls_at_once = True
    settings.LDAP_URL = settings.LDAP_URL.replace("ldap:", "ldaps:")
    settings.LDAP_USER_DN = f"uid={{username}},{PEOPLE}"
    give(client)
    assert who(client) == "erin" and [dn for dn, *_ in server.binds] == [f"uid=erin,{PEOPLE}"]


@pytest.mark.parametrize("template", [False, True])
@pytest.mark.parametrize(
    "name, password",
    [("erin", "wrong"), ("erin", ""), ("nobody", WORD), ("*", WORD), ("erin)(uid=*", WORD),
     ("erin,ou=people", WORD), ("e\\72in", WORD), ("e" * 150, WORD)],
)  # fmt: skip
def test_a_wrong_or_crafted_name_or_password_is_refused(client, server, settings, name, password, template):
    if template:
        settings.LDAP_USER_DN = f"uid={{username}},{PEOPLE}"
    give(client, name, password)
    assert who(client) is None and not User.objects.exists()
    assert "" not in [word for _, word, _ in server.binds]


def test_wrong_passwords_are_counted(client, server, monkeypatch):
    from portal.teams import throttle

    monkeypatch.setattr(throttle, "PER_NAME_AND_ADDRESS", 2)
    for _ in range(2):
        give(client, password="wrong")
    asked = len(server.binds)
    assert give(client).status_code == 429 and len(server.binds) == asked


def test_a_name_of_the_directory_gives_nobody_a_local_account(client, server, alice):
    server.entries |= dict([person("alice", WORD)])
    give(client, "alice")
    assert who(client) == "alice-2"
    other = Client()
    give(other, "alice", PASSWORD)  # her own password goes on
    assert who(other) == "alice"


@pytest.mark.parametrize("fault", ["closed", "mute", "reader", "certificate", "host"])
def test_a_directory_that_cannot_be_used_is_told_and_local_accounts_go_on(
    client, server, settings, alice, monkeypatch, fault
):
    if fault == "closed":
        settings.LDAP_URL = "ldap://127.0.0.1:9"
    elif fault == "mute":
        monkeypatch.setattr(directory, "TOTAL_SECONDS", 0.1)
        server.mute = True
    elif fault == "reader":
        settings.LDAP_BIND_PASSWORD = "wrong"
    elif fault == "certificate":
        settings.COMPANY_CA_FILE = None
    else:
        settings.LDAP_URL = settings.LDAP_URL.replace("127.0.0.1", "localhost")
    assert "cannot be reached now" in give(client).content.decode()
    assert WORD not in [word for _, word, _ in server.binds]
    give(client, "alice", PASSWORD)
    assert who(client) == "alice"


def test_groups_of_the_entry_and_of_a_search_give_roles(client, server, settings, team):
    settings.GROUP_ROLES = {
        "staff": {team.name: "member"}, f"cn=leads,ou=groups,{BASE}": {team.name: "operator"},
    }  # fmt: skip
    dn, entry = person("erin", WORD, memberOf=[f"cn=staff,ou=groups,{BASE}"])
    server.entries[dn] = entry
    roles = Membership.objects.filter(user__username="erin", team=team).values_list("role", flat=True)
    give(client)
    assert list(roles.all()) == ["member"]
    server.entries[f"cn=leads,ou=groups,{BASE}"] = {"member": [dn], "userPassword": []}
    settings.LDAP_GROUP_BASE = f"ou=groups,{BASE}"
    give(Client())
    assert list(roles.all()) == ["operator"]
    server.entries = {READER[0]: server.entries[READER[0]], dn: person("erin", WORD)[1]}
    give(Client())
    assert list(roles.all()) == []


def test_the_identifier_may_be_bytes_and_must_be_there(client, server, settings):
    settings.LDAP_ID_ATTRIBUTE = "objectGUID"
    assert "no usable identifier" in give(client).content.decode()
    dn, entry = person("erin", WORD, objectGUID=[bytes(range(240, 256))])
    server.entries[dn] = entry
    give(client)
    assert User.objects.get().identities.get().subject == bytes(range(240, 256)).hex()


def test_the_api_takes_no_password_of_the_directory(server):
    import base64

    client = APIClient()
    coded = base64.b64encode(f"erin:{WORD}".encode()).decode()
    client.credentials(HTTP_AUTHORIZATION=f"Basic {coded}")
    assert client.get("/api/v1/me/").status_code == 401 and not server.binds


def test_a_second_factor_is_asked_for_after_the_directorys_password(client, server, settings):
    settings.SECOND_FACTOR = "optional"
    give(client)
    codes = second_factor.enable(User.objects.get(), second_factor.new_secret(), 0, None)
    other = Client()
    assert give(other)["Location"] == reverse("sign-in-code") and who(other) is None
    other.post(reverse("sign-in-code"), {"code": codes[0]})
    assert who(other) == "erin" and other.session.get_expiry_age() == settings.COMPANY_SESSION_SECONDS
