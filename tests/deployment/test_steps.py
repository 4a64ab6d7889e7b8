import json
import time

import pytest

from portal.deployment.steps import PHASES, RolledBack, Trial, activate, deploy
from portal.devices.answers import predict
from portal.devices.errors import (
    BoardError,
    ConnectionLost,
    DiskFull,
    NoPython,
    NoVendorLibrary,
    RemoteFailed,
    WrongAnswer,
)
from portal.devices.remote_runner import run_in_turn, run_release_manager
from tests.devices.boards import PROFILE, make_release, needs_convert_environment, picture, until

pytestmark = [pytest.mark.ssh, needs_convert_environment]


@pytest.fixture
def connection(board):
    with board.connect() as connected:
        yield connected


def on_board(board):
    """What lies in the releases folder, and where current points."""
    root = board.home / "slipway"
    current = root / "current"
    names = (
        sorted(path.name for path in (root / "releases").iterdir()) if (root / "releases").exists() else []
    )
    return names, current.readlink().name if current.is_symlink() else None


def test_a_release_becomes_current_after_its_golden_pictures(board, connection, artifacts):
    phases, sent = [], []
    done = deploy(
        connection,
        PROFILE,
        make_release(artifacts, "r1"),
        phases.append,
        lambda count, total: sent.append((count, total)),
    )
    assert tuple(phases) == PHASES
    assert sent[-1][0] == sent[-1][1]
    assert (done.release, done.before, done.upload.sent) == ("r1", None, True)
    assert done.engine.startswith("virtual: onnxruntime")
    assert [row["label"] for row in done.golden] == ["blue", "green", "red"]
    assert on_board(board) == (["r1"], "r1")


def test_the_next_release_names_the_one_before(board, connection, artifacts):
    deploy(connection, PROFILE, make_release(artifacts, "r1"))
    assert deploy(connection, PROFILE, make_release(artifacts, "r2")).before == "r1"
    found = run_release_manager(connection, PROFILE, "status")
    assert found["current"] == "r2"
    assert {release["id"] for release in found["releases"]} == {"r1", "r2"}
    assert found["releases"][0]["provenance"] == {"run": "7"}


def test_a_release_that_is_there_is_not_sent_again(connection, artifacts):
    release = make_release(artifacts, "r1")
    deploy(connection, PROFILE, release)
    phases = []
    assert deploy(connection, PROFILE, release, phases.append).upload.sent is False
    assert "upload" not in phases


def test_a_damaged_release_is_replaced(board, connection, artifacts):
    release = make_release(artifacts, "r1")
    deploy(connection, PROFILE, release)
    (board.home / "slipway/releases/r1/model.rknn").write_bytes(b"rot")
    assert deploy(connection, PROFILE, release).upload.sent is True
    assert on_board(board) == (["r1"], "r1")


def test_it_deploys_without_sftp(board, artifacts):
    board.order(no_sftp=True)
    with board.connect() as connection:
        assert deploy(connection, PROFILE, make_release(artifacts, "r1")).upload.sent


def test_a_wrong_answer_leaves_the_earlier_release_current(board, connection, artifacts):
    deploy(connection, PROFILE, make_release(artifacts, "r1"))
    with pytest.raises(WrongAnswer, match="golden/0.png: 0 ≠ 2.*check the chip and the channel order"):
        deploy(connection, PROFILE, make_release(artifacts, "r2", {"blue": 2}))
    assert on_board(board) == (["r1"], "r1")


def test_a_board_that_answers_wrongly_refuses_a_good_release(board, connection, artifacts):
    board.order(wrong_answer=True)
    with pytest.raises(WrongAnswer):
        deploy(connection, PROFILE, make_release(artifacts, "r1"))
    assert on_board(board) == ([], None)


def test_a_full_disk_is_seen_before_anything_is_sent(board, connection, artifacts):
    board.order(disk_quota_bytes=1_000_000)
    phases = []
    with pytest.raises(DiskFull, match="MB free and this release needs .* delete files or old releases"):
        deploy(connection, PROFILE, make_release(artifacts, "r1"), phases.append)
    assert phases == ["check the board", "check space"]
    assert on_board(board) == ([], None)


@pytest.mark.parametrize("no_sftp", [False, True], ids=["by SFTP", "by cat"])
def test_a_disk_that_fills_up_under_way_leaves_nothing_half_made(board, artifacts, no_sftp):
    board.order(no_sftp=no_sftp, disk_quota_bytes=8000, df_lies=True)
    with board.connect() as connection:
        with pytest.raises(DiskFull, match="is full"):
            deploy(connection, PROFILE, make_release(artifacts, "r1"))
    assert on_board(board) == ([], None)


def test_a_board_without_python_says_so_and_nothing_is_left(board, connection, artifacts):
    board.order(no_python=True)
    with pytest.raises(NoPython, match="install Python 3.8 or newer"):
        deploy(connection, PROFILE, make_release(artifacts, "r1"))
    assert on_board(board) == ([], None)


def test_a_board_without_the_library_says_so_and_nothing_is_left(board, connection, artifacts):
    board.order(no_library=True)
    with pytest.raises(NoVendorLibrary, match="install the vendor's SDK"):
        deploy(connection, PROFILE, make_release(artifacts, "r1"))
    assert on_board(board) == ([], None)


def test_a_model_that_the_library_refuses_says_so(board, connection, artifacts, tmp_path):
    for name in ("build.onnx", "model.rknn"):
        (tmp_path / name).write_bytes((artifacts / name).read_bytes())
    (tmp_path / "calibration.zip").write_bytes(b"no zip")
    with pytest.raises(RemoteFailed, match="library refused slipway/releases/r1/model.rknn"):
        deploy(connection, PROFILE, make_release(tmp_path, "r1"))
    assert on_board(board) == ([], None)


def test_a_dropped_connection_is_told_and_the_next_deployment_cleans_up(board, connection, artifacts):
    deploy(connection, PROFILE, make_release(artifacts, "r1"))
    board.order(drop={"match": "part/runner.py"})
    with pytest.raises(ConnectionLost, match="broke while"):
        deploy(connection, PROFILE, make_release(artifacts, "r2"))
    names, current = on_board(board)
    assert [name.partition("-")[0] for name in names] == ["r1", "upload"] and current == "r1"
    with board.connect() as again:
        deploy(again, PROFILE, make_release(artifacts, "r3"))
    assert on_board(board) == (["r1", "r3"], "r3")


@pytest.mark.parametrize("no_sftp", [False, True], ids=["by SFTP", "by cat"])
def test_an_upload_goes_on_where_it_broke_off(board, artifacts, tmp_path, no_sftp):
    for name in ("build.onnx", "calibration.zip"):
        (tmp_path / name).write_bytes((artifacts / name).read_bytes())
    rknn = (artifacts / "model.rknn").read_bytes()
    (tmp_path / "model.rknn").write_bytes(rknn + b"weights" * 100_000)
    release = make_release(tmp_path, "r1")
    board.order(no_sftp=no_sftp, drop={"after_bytes": 400_000})
    with board.connect() as connection, pytest.raises(ConnectionLost):
        deploy(connection, PROFILE, release)
    board.order(no_sftp=no_sftp)
    with board.connect() as again:
        sent = []
        done = deploy(again, PROFILE, make_release(tmp_path, "r2"), on_progress=lambda *now: sent.append(now))
    assert done.upload.sent and 100_000 < done.upload.resumed < 700_000
    assert sent[0][0] >= 100_000, "what was there is not sent again"
    assert on_board(board) == (["r2"], "r2")


def test_what_a_power_cut_spoiled_of_an_upload_is_sent_again(board, connection, artifacts):
    release = make_release(artifacts, "r1")
    part = board.home / "slipway/releases" / f"{release.upload}.part"
    part.mkdir(parents=True)
    (part / "model.rknn").write_bytes(b"\0" * 40)
    (part / "runner.py").write_bytes(release.files["runner.py"])
    (part / "labels.txt").write_bytes(b"far too long for this release")
    (part / "stranger").write_bytes(b"belongs to nothing")
    done = deploy(connection, PROFILE, release)
    assert done.upload.resumed == len(release.files["runner.py"])
    assert on_board(board) == (["r1"], "r1")


class Failing(Trial):
    """A trial that the release fails."""

    def __init__(self, error):
        self.error, self.seen = error, []

    def switched(self, before):
        self.seen.append(("switched", before))

    def prove(self):
        raise self.error

    def rolled_back(self, before):
        self.seen.append(("rolled back", before))


def test_a_release_that_fails_its_trial_gives_way_to_the_earlier_one(board, connection, artifacts):
    deploy(connection, PROFILE, make_release(artifacts, "r1"))
    trial = Failing(RemoteFailed("The board is too hot: cool it."))
    with pytest.raises(RolledBack, match="cool it. The earlier release r1 is current again.") as told:
        deploy(connection, PROFILE, make_release(artifacts, "r2"), trial=trial)
    assert told.value.before == "r1"
    assert trial.seen == [("switched", "r1"), ("rolled back", "r1")]
    assert on_board(board) == (["r1"], "r1")


def test_the_first_release_that_fails_its_trial_leaves_no_current_one(board, connection, artifacts):
    with pytest.raises(RolledBack, match="no current release again"):
        deploy(connection, PROFILE, make_release(artifacts, "r1"), trial=Failing(RemoteFailed("Hot: cool.")))
    assert on_board(board) == ([], None)


def test_a_person_who_cancels_the_trial_gets_the_earlier_release_back(board, connection, artifacts):
    deploy(connection, PROFILE, make_release(artifacts, "r1"))
    with pytest.raises(KeyboardInterrupt):
        deploy(connection, PROFILE, make_release(artifacts, "r2"), trial=Failing(KeyboardInterrupt()))
    assert on_board(board) == (["r1"], "r1")


def test_a_rollback_that_fails_its_trial_is_undone_and_both_releases_stay(board, connection, artifacts):
    for name in ("r1", "r2"):
        deploy(connection, PROFILE, make_release(artifacts, name))
    with pytest.raises(RolledBack, match="r2 is current again"):
        activate(connection, PROFILE, "r1", trial=Failing(RemoteFailed("Hot: cool.")))
    assert on_board(board) == (["r1", "r2"], "r2")


def test_wrong_answers_after_the_switch_put_the_earlier_release_back(board, connection, artifacts):
    deploy(connection, PROFILE, make_release(artifacts, "r1"))

    class TurnsBad(Trial):
        def switched(self, before):
            board.order(wrong_answer=True)

    with pytest.raises(RolledBack, match="does not predict the golden images.*r1 is current again"):
        deploy(connection, PROFILE, make_release(artifacts, "r2"), trial=TurnsBad())
    assert on_board(board) == (["r1"], "r1")


def test_an_earlier_release_is_activated_again(board, connection, artifacts):
    for name in ("r1", "r2"):
        deploy(connection, PROFILE, make_release(artifacts, name))
    done = activate(connection, PROFILE, "r1")
    assert done["before"] == "r2" and done["engine"].startswith("virtual")
    assert on_board(board) == (["r1", "r2"], "r1")


def test_a_release_that_is_not_there_is_not_activated(board, connection, artifacts):
    deploy(connection, PROFILE, make_release(artifacts, "r1"))
    with pytest.raises(BoardError, match="deploy"):
        activate(connection, PROFILE, "r9")
    assert on_board(board) == (["r1"], "r1")


def test_pruning_keeps_the_current_and_the_newest(board, connection, artifacts):
    for name in ("r1", "r2", "r3", "r4"):
        deploy(connection, PROFILE, make_release(artifacts, name))
        time.sleep(1.1 if name == "r1" else 0)
    activate(connection, PROFILE, "r2")
    removed = run_in_turn(connection, PROFILE, ("prune", "3"), ("status",))["removed"]
    assert removed == ["r1"]
    assert on_board(board) == (["r2", "r3", "r4"], "r2")


def deploy_with_power_cut(board, release, event):
    """Deploy while the power goes at the given event; True when it went."""
    board.order(power_cut={"event": event, "back_after": 0.05})
    try:
        with board.connect() as connection:
            deploy(connection, PROFILE, release)
    except BoardError as error:
        assert isinstance(error, ConnectionLost), error
        return True
    return False


def reconnected(board):
    try:
        return board.connect()
    except BoardError:
        return None


def test_a_power_cut_at_any_step_leaves_a_board_that_answers_and_a_deployment_that_can_be_finished(
    board, artifacts
):
    """One power cut at each event of a deployment: commands, their ends, SFTP calls, writes."""
    with board.connect() as connection:
        deploy(connection, PROFILE, make_release(artifacts, "old"))
    cuts = 0
    for event in range(1, 500):
        release = make_release(artifacts, f"r{event}", {"red": 2})
        if not deploy_with_power_cut(board, release, event):
            break
        cuts += 1
        again = until(lambda: reconnected(board), "the board to come back")
        with again:
            names, current = on_board(board)
            assert current in names, "the power cut left a current that leads nowhere"
            deploy(again, PROFILE, release)
            assert [name for name in on_board(board)[0] if name.endswith((".part", ".old"))] == []
            assert on_board(board)[1] == release.id
            manifest = json.loads((board.home / "slipway/current/manifest.json").read_text("utf-8"))
            assert manifest["release"] == release.id
            run_in_turn(again, PROFILE, ("prune", "1"))
    assert cuts > 30
    board.order()
    with board.connect() as connection:
        given = predict(connection, PROFILE, [("a.png", picture("red"))])
    assert given.answers[0]["label"] == "red"
