"""Pairs of names and values in one environment variable, and the portal's own address."""

import pytest

from portal import env


def test_pairs_are_read(monkeypatch):
    monkeypatch.setenv("IMPORT_DIRS", "photos=/srv/photos, line 3 = /mnt/a=b ,")
    assert env.pairs("IMPORT_DIRS") == {"photos": "/srv/photos", "line 3": "/mnt/a=b"}
    monkeypatch.delenv("IMPORT_DIRS")
    assert env.pairs("IMPORT_DIRS") == {}


@pytest.mark.parametrize("value", ["/srv/photos", "photos=", "=/srv", "a=/x,a=/y"])
def test_what_is_no_pair_is_refused(monkeypatch, value):
    monkeypatch.setenv("IMPORT_DIRS", value)
    with pytest.raises(env.SettingError, match="IMPORT_DIRS"):
        env.pairs("IMPORT_DIRS")


@pytest.mark.parametrize(
    ("host", "port", "wanted"),
    [
        ("127.0.0.1", 8000, "http://127.0.0.1:8000"),
        ("0.0.0.0", 9000, "http://127.0.0.1:9000"),
        ("::", 8000, "http://[::1]:8000"),
        ("10.1.1.5", 8080, "http://10.1.1.5:8080"),
    ],
)
def test_links_lead_to_where_the_portal_listens(monkeypatch, host, port, wanted):
    monkeypatch.delenv("SITE_URL", raising=False)
    assert env.address("SITE_URL", host, port) == wanted


def test_a_named_address_counts_before_it_and_must_be_one(monkeypatch):
    monkeypatch.setenv("SITE_URL", "https://slipway.example.org/")
    assert env.address("SITE_URL", "127.0.0.1", 8000) == "https://slipway.example.org"
    monkeypatch.setenv("SITE_URL", "slipway.example.org")
    with pytest.raises(env.SettingError, match="SITE_URL must begin with http"):
        env.address("SITE_URL", "127.0.0.1", 8000)


def test_commas_alone_are_no_networks_and_must_not_mean_all_of_them(monkeypatch):
    monkeypatch.setenv("DEVICE_NETWORKS", " , ")
    with pytest.raises(env.SettingError, match="DEVICE_NETWORKS must hold networks"):
        env.networks("DEVICE_NETWORKS")
