"""Decoded images are kept for later epochs, with the same pixels and within bounds."""

from __future__ import annotations

import multiprocessing

import numpy
import pytest

from workers.train.decoded import LEAST_BYTES, Decoded

LARGE = b"x" * LEAST_BYTES
PIXELS = numpy.arange(60, dtype="uint8").reshape(4, 5, 3)


@pytest.fixture
def calls():
    return []


@pytest.fixture
def decode(calls):
    def decode(data, flags):
        calls.append(bytes(data[:1]))
        return None if data[:1] == b"?" else PIXELS + data[0]

    return decode


def test_an_image_is_decoded_once_and_its_pixels_stay_the_same(decode, calls, tmp_path):
    decoded = Decoded(decode, tmp_path, 10**6)
    first, second = decoded(LARGE), decoded(LARGE, 1)
    assert len(calls) == 1
    assert (first == second).all() and first.dtype == second.dtype
    second += 1  # what a training does with its pixels
    assert (decoded(LARGE) == first).all()
    assert (decoded(b"y" + LARGE) != first).all()


def test_a_forked_loader_finds_what_another_has_decoded(decode, calls, tmp_path):
    decoded = Decoded(decode, tmp_path, 10**6)
    loader = multiprocessing.get_context("fork").Process(target=decoded, args=(LARGE,))
    loader.start()
    loader.join()
    assert (decoded(LARGE) == PIXELS + LARGE[0]).all()
    assert calls == []
    assert decoded.room.value == 10**6 - PIXELS.nbytes


@pytest.mark.parametrize("data", [b"x", b"?" + LARGE])
def test_small_images_and_what_is_no_image_are_not_kept(decode, calls, tmp_path, data):
    decoded = Decoded(decode, tmp_path, 10**6)
    decoded(data)
    decoded(data)
    assert len(calls) == 2
    assert not list(tmp_path.iterdir())


def test_no_more_is_kept_than_there_is_room_for(decode, calls, tmp_path):
    decoded = Decoded(decode, tmp_path, PIXELS.nbytes)
    for data in (LARGE, b"y" + LARGE) * 2:
        decoded(data)
    assert calls == [b"x", b"y", b"y"]


def test_a_folder_that_is_gone_or_a_broken_file_costs_time_only(decode, calls, tmp_path):
    decoded = Decoded(decode, tmp_path / "gone", 10**6)
    assert (decoded(LARGE) == decoded(LARGE)).all()
    decoded = Decoded(decode, tmp_path, 10**6)
    decoded(LARGE)
    next(tmp_path.iterdir()).write_bytes(b"half")
    assert (decoded(LARGE) == PIXELS + LARGE[0]).all()
