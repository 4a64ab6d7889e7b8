"""The small programs that run while an image is built, and its health checks."""

import hashlib
import json
import os
import re
import sys
import tarfile
import time
from pathlib import Path

import pytest

from configs.containers import build_images, debian_sbom, fetch_suite, health


@pytest.fixture
def archive(tmp_path):
    """A checkout as an archive, with one top folder, and its address."""
    source = tmp_path / "PaddleClas-main" / "ppcls"
    source.mkdir(parents=True)
    (source / "__init__.py").write_text("")
    path = tmp_path / "suite.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        tar.add(source.parent, "PaddleClas-main")
    return f"file://{path}#sha256={hashlib.sha256(path.read_bytes()).hexdigest()}"


def test_an_upstream_suite_is_unpacked_without_its_top_folder(archive, tmp_path):
    fetch_suite.fetch(archive, tmp_path / "suites/PaddleClas")
    assert (tmp_path / "suites/PaddleClas/ppcls/__init__.py").exists()


def test_no_suite_leaves_an_empty_folder(tmp_path):
    fetch_suite.fetch("", tmp_path / "PaddleClas")
    assert list((tmp_path / "PaddleClas").iterdir()) == []


@pytest.mark.parametrize(
    "checksum, sentence", [("", "Name the checksum"), ("#sha256=00", "it is another one")]
)
def test_a_suite_that_is_not_the_one_meant_is_refused(archive, tmp_path, checksum, sentence):
    with pytest.raises(SystemExit, match=sentence):
        fetch_suite.fetch(archive.partition("#")[0] + checksum, tmp_path / "PaddleClas")


def test_debian_packages_are_named_as_others_name_them():
    found = debian_sbom.document([["libstdc++6", "12.2.0-14+deb12u1", "amd64"]])
    assert found["bomFormat"] == "CycloneDX" and json.dumps(found)
    assert found["components"][0]["purl"] == "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64"


def test_nothing_of_the_portal_is_left_out_of_its_image():
    import portal.celery
    import portal.urls  # noqa: F401

    script = (Path(__file__).resolve().parents[2] / "configs/containers/install_env.sh").read_text()
    found = re.findall(r"-path '\./([\w/]+)' -prune -exec rm", script)
    found += re.search(r"rm -rf ((?:numpy/\w+ ?)+)", script)[1].split()
    left_out = tuple(name.replace("/", ".") for name in found)
    assert left_out == ("django.contrib.gis", "numpy.f2py", "numpy.distutils")
    assert not [name for name in sys.modules if name.startswith(left_out)]


def test_an_image_that_grew_too_large_is_said_and_fails(monkeypatch, capsys):
    monkeypatch.setattr(build_images, "build", lambda target: 2.0)
    monkeypatch.setattr(build_images, "megabytes", lambda target: 399.0 if target == "portal" else 1300.0)
    assert build_images.main(["portal"]) == 0
    assert build_images.main(["worker-convert"]) == 1
    assert "slipway-worker-convert: 1300 MB more than 1200 MB" in capsys.readouterr().out


def test_the_clock_is_well_while_it_sends(tmp_path, monkeypatch, settings):
    from celery import signals

    from portal import celery

    monkeypatch.setenv("SLIPWAY_VAR", str(tmp_path))
    settings.VAR_DIR = tmp_path
    file = tmp_path / "run" / "beat-sent"
    file.parent.mkdir()
    assert not health.beat()
    signals.beat_init.send(sender=None)
    signals.before_task_publish.send(sender="portal.jobs.tasks.reap")
    assert health.beat()
    signals.before_task_publish.disconnect(celery._note_that_it_sends)
    old = time.time() - health.CLOCK_SECONDS - 1
    os.utime(file, (old, old))
    assert not health.beat()
