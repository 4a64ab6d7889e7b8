from dataclasses import replace

import pytest

from portal.devices.health import parse_meminfo
from portal.devices.probe import parse_os_release, probe
from tests.devices.boards import PROFILE, needs_convert_environment

LIVE = [pytest.mark.ssh, needs_convert_environment]


def test_the_name_of_the_system_is_read():
    assert (
        parse_os_release('NAME=Buildroot\nPRETTY_NAME="Buildroot 2018.02-rc3"\n') == "Buildroot 2018.02-rc3"
    )
    assert parse_os_release("NAME=Buildroot\nVERSION=2018.02\n") == "Buildroot 2018.02"
    assert parse_os_release("") is None


def test_memory_is_read_in_bytes_with_and_without_memavailable():
    assert parse_meminfo("MemTotal: 178024 kB\nMemFree: 90000 kB\nMemAvailable: 120000 kB\n") == (
        178024 * 1024,
        120000 * 1024,
    )
    assert parse_meminfo("MemTotal: 10 kB\nMemFree: 4 kB\n") == (10240, 4096)
    assert parse_meminfo("") == (None, None)


class TestLive:
    pytestmark = LIVE

    def test_a_virtual_board_says_that_it_is_one_and_which_engine_answers(self, board):
        with board.connect() as connection:
            facts = probe(connection, PROFILE)
        assert facts["virtual"] is True
        assert facts["engine"].startswith("virtual: onnxruntime")
        assert "virtual board" in facts["banner"]
        assert facts["library"] == "lockzhiner_vision_module"
        assert facts["python"].startswith("3.")
        assert facts["sftp"] is True
        assert facts["memory_total"] > facts["memory_free"] > 0
        assert facts["disk_total"] > facts["disk_free"] > 0
        assert facts["current"] is None and facts["releases"] == []
        assert facts["problems"] == [] and facts["warnings"] == []

    def test_a_virtual_board_registered_as_a_device_is_warned_of(self, board):
        with board.connect() as connection:
            facts = probe(connection, replace(PROFILE, virtual=False))
        assert any("a program and not a device" in text for text in facts["warnings"])

    def test_a_board_without_python_has_a_problem_and_still_tells_the_rest(self, board):
        board.order(no_python=True)
        with board.connect() as connection:
            facts = probe(connection, PROFILE)
        assert facts["kernel"] and facts["disk_free"]
        assert "has no command python" in facts["problems"][0]

    def test_a_board_without_the_vendor_library_has_a_problem(self, board):
        board.order(no_library=True)
        with board.connect() as connection:
            facts = probe(connection, PROFILE)
        assert facts["library"] is None
        assert "install the vendor's SDK" in facts["problems"][0]

    def test_a_board_without_sftp_says_so(self, board):
        board.order(no_sftp=True)
        with board.connect() as connection:
            assert probe(connection, PROFILE)["sftp"] is False
