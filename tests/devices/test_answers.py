import pytest

from portal.deployment.steps import deploy
from portal.devices.answers import board_names, predict
from portal.devices.errors import ConnectionLost, DiskFull, NothingDeployed, NoVendorLibrary
from tests.devices.boards import PROFILE, make_release, needs_convert_environment, picture, until


def test_names_on_the_board_are_plain_whatever_the_pictures_are_called():
    names = ["图 1.PNG", "../../etc/passwd", "same.jpg", "same.jpg"]
    assert board_names(names) == ["000000.png", "000001.img", "000002.jpg", "000003.jpg"]


@pytest.mark.ssh
@needs_convert_environment
class TestLive:
    def test_answers_come_in_order_with_the_names_given(self, board, artifacts):
        progress = []
        pictures = [
            ("红 red.png", picture("red")),
            ("broken.png", b"not a picture"),
            ("a'b.png", picture("blue", (300, 7))),
        ]
        with board.connect() as connection:
            deploy(connection, PROFILE, make_release(artifacts, "r1"))
            given = predict(
                connection, PROFILE, pictures, on_answer=lambda done, total: progress.append((done, total))
            )
        assert [row["image"] for row in given.answers] == [name for name, _ in pictures]
        assert [row.get("label") for row in given.answers] == ["red", None, "blue"]
        assert "send it as PNG, JPEG or BMP" in given.answers[1]["error"]
        assert given.answers[0]["score"] > 0.9 and given.answers[0]["ms"] > 0
        assert (given.done["answered"], given.done["failed"]) == (2, 1)
        assert given.done["engine"].startswith("virtual: onnxruntime")
        assert progress == [(1, 3), (2, 3), (3, 3)]

    def test_nothing_stays_on_the_board(self, board, artifacts):
        with board.connect() as connection:
            deploy(connection, PROFILE, make_release(artifacts, "r1"))
            predict(connection, PROFILE, [("a.png", picture("green"))])
        assert list((board.home / "slipway" / "inbox").iterdir()) == []

    def test_a_board_without_a_release_says_to_deploy_first(self, board):
        with board.connect() as connection:
            with pytest.raises(NothingDeployed, match="deploy a model to it first"):
                predict(connection, PROFILE, [("a.png", picture("green"))])

    def test_a_library_that_has_gone_says_so(self, board, artifacts):
        with board.connect() as connection:
            deploy(connection, PROFILE, make_release(artifacts, "r1"))
            board.order(no_library=True)
            with pytest.raises(NoVendorLibrary, match="install the vendor's SDK"):
                predict(connection, PROFILE, [("a.png", picture("green"))])

    def test_pictures_that_do_not_fit_say_that_the_disk_is_full(self, board, artifacts):
        with board.connect() as connection:
            deploy(connection, PROFILE, make_release(artifacts, "r1"))
            board.order(disk_quota_bytes=1000, df_lies=True)
            with pytest.raises(DiskFull):
                predict(connection, PROFILE, [("a.png", picture("green"))])

    def test_a_power_cut_while_answering_is_told_and_afterwards_it_answers_again(self, board, artifacts):
        with board.connect() as connection:
            deploy(connection, PROFILE, make_release(artifacts, "r1"))
            board.order(power_cut={"match": "exit python slipway/current", "back_after": 0.1})
            with pytest.raises(ConnectionLost, match="broke while running python"):
                predict(connection, PROFILE, [("a.png", picture("green"))])
        until(lambda: board.state["obeys"] == {}, "the board to come back")
        with board.connect() as connection:
            assert predict(connection, PROFILE, [("a.png", picture("green"))]).answers[0]["label"] == "green"

    def test_a_wrong_answer_is_wrong(self, board, artifacts):
        with board.connect() as connection:
            deploy(connection, PROFILE, make_release(artifacts, "r1"))
            board.order(wrong_answer=True)
            given = predict(connection, PROFILE, [("a.png", picture("green"))])
        assert given.answers[0]["label"] == "red"
