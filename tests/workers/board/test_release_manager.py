import hashlib
import json
import os

import pytest

from workers.board import release_manager


@pytest.fixture
def root(tmp_path):
    (tmp_path / "releases").mkdir()
    return str(tmp_path)


def put(root, name, activated=None, content=b"model"):
    """A release folder; returns the hash of its manifest."""
    folder = os.path.join(root, "releases", name)
    os.makedirs(folder)
    with open(os.path.join(folder, "model.rknn"), "wb") as stream:
        stream.write(content)
    manifest = json.dumps(
        {"files": {"model.rknn": {"sha256": hashlib.sha256(b"model").hexdigest()}}, "class_names": ["a", "b"]}
    ).encode()
    with open(os.path.join(folder, "manifest.json"), "wb") as stream:
        stream.write(manifest)
    if activated is not None:
        marker = os.path.join(folder, release_manager.MARKER)
        open(marker, "w").close()
        os.utime(marker, (activated, activated))
    return hashlib.sha256(manifest).hexdigest()


def names(root):
    return sorted(os.listdir(os.path.join(root, "releases")))


def test_an_empty_root_has_nothing(tmp_path):
    assert release_manager.status(str(tmp_path / "nowhere")) == {"current": None, "releases": []}


def test_status_lists_the_newest_first_and_no_half_made_ones(root):
    put(root, "r1", 100)
    put(root, "r2", 200)
    put(root, "r3.part")
    release_manager.activate(root, "r2")
    found = release_manager.status(root)
    assert found["current"] == "r2"
    assert [release["id"] for release in found["releases"]] == ["r2", "r1"]
    assert found["releases"][0]["classes"] == 2


def test_a_current_that_leads_nowhere_is_none(root):
    os.symlink("releases/gone", os.path.join(root, "current"))
    assert release_manager.current_of(root) is None


def test_verify_tells_missing_damaged_and_whole_folders_apart(root):
    expected = put(root, "r1")
    put(root, "r2.part", content=b"rot")
    assert release_manager.verify(root, "r0", expected) == {"there": False, "bad": []}
    assert release_manager.verify(root, "r1", expected) == {"there": True, "bad": []}
    assert release_manager.verify(root, "r1", "0" * 64) == {"there": True, "bad": ["manifest.json"]}
    assert release_manager.verify(root, "r2", expected, "part") == {"there": True, "bad": ["model.rknn"]}


def test_promote_replaces_a_damaged_release_and_may_be_repeated(root):
    put(root, "r1", content=b"rot")
    put(root, "u1.part")
    release_manager.promote(root, "r1", "u1")
    release_manager.promote(root, "r1", "u1")
    assert names(root) == ["r1"]
    with open(os.path.join(root, "releases/r1/model.rknn"), "rb") as stream:
        assert stream.read() == b"model"


def test_a_whole_upload_is_accepted_and_a_damaged_one_stays_apart(root):
    expected = put(root, "u1.part")
    put(root, "u2.part", content=b"rot")
    assert release_manager.accept(root, "r1", "u1", expected) == {"there": True, "bad": []}
    assert release_manager.accept(root, "r2", "u2", expected) == {"there": True, "bad": ["model.rknn"]}
    assert release_manager.accept(root, "r3", "u3", expected) == {"there": False, "bad": []}
    assert names(root) == ["r1", "u2.part"]


def test_activate_switches_marks_and_names_the_one_before(root):
    put(root, "r1")
    put(root, "r2")
    assert release_manager.activate(root, "r1") == {"before": None}
    assert release_manager.activate(root, "r2") == {"before": "r1"}
    assert os.readlink(os.path.join(root, "current")) == "releases/r2"


def trial(root, name):
    return release_manager.tried_after(os.path.join(root, "releases", name))


def test_a_trial_ends_with_a_mark(root):
    put(root, "r1", 100)
    release_manager.activate(root, "r1")
    assert trial(root, "r1") == ""
    release_manager.confirm(root, "r1")
    assert trial(root, "r1") is None
    assert release_manager.activated_at(os.path.join(root, "releases/r1")) > 100


def test_a_trial_ends_with_the_release_before(root):
    put(root, "r1", 100)
    put(root, "r2")
    release_manager.activate(root, "r1")
    release_manager.confirm(root, "r1")
    release_manager.activate(root, "r2")
    assert release_manager.activate(root, "r2") == {"before": "r1"}, "asked again, the trial goes on"
    assert release_manager.restore(root, "r2") == {"restored": True, "current": "r1"}
    assert release_manager.restore(root, "r2") == {"restored": False, "current": "r1"}
    release_manager.discard(root, "r2", "u2")
    assert names(root) == ["r1"]


def test_the_first_release_that_fails_its_trial_leaves_nothing_current(root):
    put(root, "r1")
    release_manager.activate(root, "r1")
    assert release_manager.restore(root, "r1") == {"restored": True, "current": None}


def test_a_release_that_passed_its_trial_is_not_rolled_back(root):
    put(root, "r1", 100)
    put(root, "r2")
    for name in ("r1", "r2"):
        release_manager.activate(root, name)
        release_manager.confirm(root, name)
    assert release_manager.restore(root, "r2") == {"restored": False, "current": "r2"}


def test_a_release_whose_trial_was_cut_short_is_one_to_go_back_to(root):
    for name in ("r1", "r2"):
        put(root, name)
    release_manager.activate(root, "r1")
    release_manager.activate(root, "r2")
    release_manager.sweep(root, "r3", "u3")
    assert release_manager.restore(root, "r2") == {"restored": True, "current": "r1"}


def test_a_clock_that_fell_back_does_not_make_the_newest_release_the_oldest(root, monkeypatch):
    put(root, "r1", 2_000_000_000)
    put(root, "r2")
    monkeypatch.setattr(release_manager.time, "time", lambda: 12.0)
    release_manager.activate(root, "r2")
    release_manager.confirm(root, "r2")
    assert [release["id"] for release in release_manager.status(root)["releases"]] == ["r2", "r1"]


def test_what_is_held_of_an_upload_is_told_with_sizes_and_hashes(root):
    put(root, "u1.part")
    found = release_manager.held(root, "u1")["files"]
    digest = hashlib.sha256(b"model").hexdigest()
    assert {"name": "model.rknn", "bytes": 5, "sha256": digest} in found
    assert release_manager.held(root, "u2") == {"files": []}


def test_activate_marks_a_current_whose_mark_the_power_took(root):
    put(root, "r1")
    put(root, "r2")
    os.symlink("releases/r1", os.path.join(root, "current"))
    release_manager.activate(root, "r2")
    release_manager.sweep(root, "r3", "u3")
    assert names(root) == ["r1", "r2"]


def test_activate_refuses_what_is_not_there(root):
    with pytest.raises(release_manager.Refused, match="deploy it again"):
        release_manager.activate(root, "r1")


def test_sweep_removes_what_was_never_current_and_old_inboxes(root):
    put(root, "r1", 100)
    put(root, "never")
    put(root, "r2.part")
    put(root, "r2.old")
    put(root, "mine")
    put(root, "u1.part")
    old = os.path.join(root, "inbox", "old")
    os.makedirs(old)
    os.makedirs(os.path.join(root, "inbox", "new"))
    os.utime(old, (1, 1))
    assert release_manager.sweep(root, "mine", "u1") == {"removed": ["never", "r2.old", "r2.part"]}
    assert names(root) == ["mine", "r1", "u1.part"]
    assert os.listdir(os.path.join(root, "inbox")) == ["new"]


def test_discard_never_removes_what_has_been_current(root):
    put(root, "r1", 100)
    put(root, "r2")
    put(root, "u2.part")
    release_manager.discard(root, "r1", "u1")
    release_manager.discard(root, "r2", "u2")
    assert names(root) == ["r1"]


def test_prune_keeps_the_current_and_the_newest(root):
    for number in range(1, 6):
        put(root, f"r{number}", number * 100)
    os.symlink("releases/r1", os.path.join(root, "current"))
    assert release_manager.prune(root, "3") == {"removed": ["r3", "r2"]}
    assert names(root) == ["r1", "r4", "r5"]


def test_prune_without_a_current_keeps_the_newest(root):
    for number in range(1, 4):
        put(root, f"r{number}", number * 100)
    assert release_manager.prune(root, "1") == {"removed": ["r2", "r1"]}


def test_prune_reports_what_it_cannot_remove(root, monkeypatch):
    for number in range(1, 4):
        put(root, f"r{number}", number * 100)

    def refuse(path):
        raise OSError(5, "the card is stuck")

    monkeypatch.setattr(release_manager, "remove", refuse)
    assert release_manager.prune(root, "1") == {"removed": [], "untidy": "[Errno 5] the card is stuck"}


@pytest.mark.parametrize("name", ["..", "a/b", "", ".x", "r1.part"])
def test_a_name_that_leads_elsewhere_is_refused(root, name):
    with pytest.raises(release_manager.Refused, match="cannot be the name of a release"):
        release_manager.activate(root, name)


def test_main_reports_in_one_line(root, capsys):
    assert release_manager.main(["activate", root, "r1"]) == 1
    assert json.loads(capsys.readouterr().out.strip()[len(release_manager.MARK) :])["code"] == "bad-release"
    put(root, "r1")
    assert release_manager.main(["activate", root, "r1"]) == 0
    message = json.loads(capsys.readouterr().out.strip()[len(release_manager.MARK) :])
    assert message == {"before": None, "type": "result"}
