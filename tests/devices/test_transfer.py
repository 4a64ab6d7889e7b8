import io
import tarfile

from portal.devices.transfer import pack, parse_df, parse_sha256sum, says_disk_full


def test_df_of_busybox_and_of_coreutils_is_read():
    text = """Filesystem           1K-blocks      Used Available Use% Mounted on
/dev/mmcblk0p6        14876644   1205420  12978500   9% /
"""
    assert parse_df(text) == (14876644 * 1024, 12978500 * 1024)


def test_df_with_a_long_device_name_on_its_own_line_is_read():
    text = """Filesystem           1K-blocks      Used Available Use% Mounted on
/dev/disk/by-uuid/0f0e0d0c-0b0a-0908-0706-050403020100
                        100000     40000     60000  40% /userdata
"""
    assert parse_df(text) == (100000 * 1024, 60000 * 1024)


def test_df_without_figures_gives_nothing():
    assert parse_df("df: /nowhere: No such file or directory\n") == (None, None)


def test_hashes_are_read_with_spaces_and_chinese_in_names():
    digest = "a" * 64
    assert parse_sha256sum(f"{digest}  图 一.png\nsha256sum: x: No such file\n") == {"图 一.png": digest}


def test_a_packed_archive_holds_the_files(tmp_path):
    (tmp_path / "b.bin").write_bytes(b"two")
    with tarfile.open(fileobj=io.BytesIO(pack({"a.bin": b"one", "b.bin": tmp_path / "b.bin"}))) as archive:
        assert {m.name: archive.extractfile(m).read() for m in archive} == {"a.bin": b"one", "b.bin": b"two"}


def test_a_full_disk_is_recognised_by_its_words():
    assert says_disk_full("OSError: [Errno 28] No space left on device")
    assert not says_disk_full("Permission denied")
