"""configs/containers/make_env.py makes every secret once, for its owner's eyes only."""

import re

from cryptography.fernet import Fernet

from configs.containers import make_env


def read(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_it_makes_every_secret_in_a_file_that_only_its_owner_reads(tmp_path):
    path = tmp_path / ".env"
    assert make_env.complete(path) == list(make_env.MAKERS)
    assert path.stat().st_mode & 0o777 == 0o600
    assert all(len(value) >= 20 for value in read(path).values())


def test_it_makes_an_encryption_key_that_the_portal_takes(tmp_path):
    make_env.complete(tmp_path / ".env")
    Fernet(read(tmp_path / ".env")["ENCRYPTION_KEY"])


def test_it_changes_nothing_the_second_time(tmp_path):
    path = tmp_path / ".env"
    make_env.complete(path)
    before = path.read_bytes()
    assert make_env.complete(path) == []
    assert path.read_bytes() == before


def test_it_adds_what_is_missing_and_keeps_what_a_person_wrote(tmp_path):
    path = tmp_path / ".env"
    path.write_text("WEB_ADDRESS=0.0.0.0:80\n# SECRET_KEY=old\nS3_ACCESS_KEY=mine", encoding="utf-8")
    path.chmod(0o644)
    added = make_env.complete(path)
    assert "S3_ACCESS_KEY" not in added and "SECRET_KEY" in added
    assert read(path)["S3_ACCESS_KEY"] == "mine" and read(path)["WEB_ADDRESS"] == "0.0.0.0:80"
    assert path.stat().st_mode & 0o777 == 0o600


def test_two_files_have_nothing_in_common(tmp_path):
    for name in ("a", "b"):
        make_env.complete(tmp_path / name)
    assert not set(read(tmp_path / "a").values()) & set(read(tmp_path / "b").values())


def test_a_value_needs_no_quoting_in_a_url_or_an_argument(tmp_path):
    make_env.complete(tmp_path / ".env")
    values = read(tmp_path / ".env")
    for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "S3_ACCESS_KEY", "S3_SECRET_KEY"):
        assert re.fullmatch(r"[0-9a-f]+", values[name])
