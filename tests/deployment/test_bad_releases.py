"""Models that are none, and runners that go wrong: before the switch nothing changes, after it the earlier
release is current again."""

import shutil

import pytest

from portal.deployment import release as releases
from portal.deployment import steps
from portal.deployment.steps import RolledBack, Trial, activate, deploy
from portal.devices import channel
from portal.devices.errors import MalformedAnswer, RemoteFailed, RemoteTimeout, WrongAnswer
from portal.devices.remote_runner import run_release_manager
from tests.devices.boards import RunningBoard, needs_convert_environment
from tests.devices.tiny import HEAD, LIBRARY, TAIL, tiny_profile, tiny_python, tiny_release


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not an RKNN model"),
        (b"<html>", "is not an RKNN model"),
        (HEAD + b"weights", "is cut short or damaged"),
        ((HEAD + b"weights" + TAIL)[:40], "is cut short or damaged"),
        (
            HEAD + TAIL.replace(b"rv1106", b"rk3588"),
            "made for Rockchip RK3588 and the board has a Rockchip RV1106",
        ),
    ],
)
def test_a_file_that_is_no_model_for_the_board_is_not_sent(tmp_path, content, words):
    (tmp_path / "model.rknn").write_bytes(content)
    with pytest.raises(releases.ReleaseError, match=words):
        releases.check_rknn(tmp_path / "model.rknn", "rv1106")


FAULTS = {
    "hang": (RemoteTimeout, "did not end within"),
    "noise": (MalformedAnswer, "printed more than"),
    "killed": (RemoteFailed, "was killed, probably for want of memory"),
    "wrong": (WrongAnswer, "does not predict the golden images"),
    "other image": (MalformedAnswer, "makes no sense .*answers to other images"),
}


@pytest.fixture(scope="module")
def started_board(tmp_path_factory):
    running = RunningBoard(tmp_path_factory.mktemp("board"))
    yield running
    running.stop()


@pytest.mark.ssh
@needs_convert_environment
class TestRunners:
    @pytest.fixture
    def deployed(self, started_board, tmp_path, monkeypatch):
        """A connection to a board with the release r1, a profile, and the file that orders a fault."""
        monkeypatch.setattr(channel, "MAX_STREAMED_BYTES", 2**17)
        shutil.rmtree(started_board.home / "slipway", ignore_errors=True)
        library = shutil.copytree(LIBRARY, tmp_path / "library")
        profile = tiny_profile(tiny_python(tmp_path, library))
        with started_board.connect() as connection:
            deploy(connection, profile, tiny_release(tmp_path, "r1", profile))
            monkeypatch.setattr(steps, "CHECK_SECONDS", 15.0)
            yield connection, profile, library / "lockzhiner_vision_module" / "fault"

    @pytest.mark.parametrize("fault", FAULTS)
    def test_a_runner_that_goes_wrong_before_the_switch_changes_nothing(self, deployed, tmp_path, fault):
        connection, profile, ordered = deployed
        error, words = FAULTS[fault]
        ordered.write_text(fault)
        with pytest.raises(error, match=words):
            deploy(connection, profile, tiny_release(tmp_path, "r2", profile))
        assert [row["id"] for row in self.held(connection, profile)] == ["r1"]

    @pytest.mark.parametrize("fault", FAULTS)
    def test_a_runner_that_goes_wrong_after_the_switch_is_rolled_back(self, deployed, tmp_path, fault):
        connection, profile, ordered = deployed

        class TurnsBad(Trial):
            def switched(self, before):
                ordered.write_text(fault)

        with pytest.raises(RolledBack, match=f"{FAULTS[fault][1]}.*release r1 is current again"):
            deploy(connection, profile, tiny_release(tmp_path, "r2", profile), trial=TurnsBad())
        assert [row["id"] for row in self.held(connection, profile)] == ["r1"]

    def test_a_rollback_takes_no_predictions_of_other_images_and_no_other_manifest(self, deployed, tmp_path):
        connection, profile, ordered = deployed
        earlier = tiny_release(tmp_path, "r0", profile)
        deploy(connection, profile, earlier)
        deploy(connection, profile, tiny_release(tmp_path, "r1", profile))
        ordered.write_text("other image")
        with pytest.raises(MalformedAnswer, match="answers to other images"):
            activate(connection, profile, "r0", manifest_sha256=earlier.manifest_sha256)
        ordered.write_text("")
        with pytest.raises(RemoteFailed, match="manifest of r0 .* is not the deployed one: deploy its model"):
            activate(connection, profile, "r0", manifest_sha256="0" * 64)
        assert {row["id"] for row in self.held(connection, profile)} == {"r0", "r1"}
        done = activate(connection, profile, "r0", manifest_sha256=earlier.manifest_sha256)
        assert done["before"] == "r1"

    def held(self, connection, profile) -> list[dict]:
        found = run_release_manager(connection, profile, "status")
        assert found["current"] == "r1"
        return found["releases"]
