"""What a proxy says of a client is believed from the networks of the proxies only."""

import ipaddress

import pytest

from portal.ops.front.asked import Asked

TOLD = [
    (b"host", b"slipway.example.org"),
    (b"x-forwarded-for", b"203.0.113.7"),
    (b"x-forwarded-proto", b"https"),
    (b"x-forwarded-host", b"evil.example"),
]


def asked(client: str) -> Asked:
    return Asked(
        {
            "type": "http", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b"",
            "scheme": "http", "http_version": "1.1", "headers": TOLD,
            "client": (client, 40000), "server": ("127.0.0.1", 8000),
        }
    )  # fmt: skip


@pytest.fixture
def behind_a_proxy(settings):
    settings.PROXIES = 1
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.PROXY_NETWORKS = [ipaddress.ip_network("10.1.0.0/24")]


@pytest.mark.parametrize("client", ["10.1.0.9", "::ffff:10.1.0.9"])
def test_a_proxy_tells_who_asks_and_how(behind_a_proxy, client):
    found = asked(client)
    assert found.address == "203.0.113.7"
    assert found.request().is_secure()


@pytest.mark.parametrize("client", ["10.2.0.9", "192.168.0.1", ""])
def test_nobody_else_does(behind_a_proxy, client):
    found = asked(client)
    assert found.address == client
    assert not found.request().is_secure()
    assert not [name for name in found.headers if name.startswith("HTTP_X_FORWARDED")]


def test_without_the_setting_every_network_is_a_proxys(behind_a_proxy, settings):
    settings.PROXY_NETWORKS = []
    assert asked("10.2.0.9").address == "203.0.113.7"
