"""Pairs of names and values in one environment variable."""

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
