"""How much work reading takes, told by counting it: it grows with the upload, never with its square."""

from __future__ import annotations

import pytest

from workers.datakit.archive import Entry
from workers.datakit.errors import InputError
from workers.datakit.readers import folder_roles
from workers.datakit.readers.folder_tree import Folder, tree_of
from workers.datakit.readers.options import ReadingOptions
from workers.datakit.readers.reading import Reading


class Seen:
    """An upload as far as folders need it."""

    options = ReadingOptions()


@pytest.fixture
def looked_at(monkeypatch) -> list[str]:
    """The paths of images, each time that one is looked at in its folder."""
    paths: list[str] = []
    every = Folder.all

    def counted(folder):
        for entry in every(folder):
            paths.append(entry.path)
            yield entry

    monkeypatch.setattr(Folder, "all", counted)
    return paths


def images(*paths: str) -> list[Entry]:
    return [Entry(path, 1000, None) for path in paths]


def test_images_are_looked_at_a_few_times_however_many_class_folders_hold_folders(looked_at):
    upload = images(*(f"set/c{n:05}/{side}/{n}.jpg" for n in range(2000) for side in "ab"))
    roles = folder_roles.roles_of(tree_of(upload), Seen(), Reading("folders", "class folders"))
    assert len(roles.parts[0][1]) == 2000
    assert len(looked_at) <= 10 * len(upload)


def test_folders_of_masks_are_compared_with_a_bounded_number_of_folders(looked_at):
    upload = images(*(f"c{n:04}{kind}/{n}{kind}{m}.jpg" for n in range(1500) for kind in ("", "_mask")
                      for m in range(2)))  # fmt: skip
    folder_roles.roles_of(tree_of(upload), Seen(), Reading("folders", "class folders"))
    assert len(looked_at) <= 10 * len(upload)


def test_masks_are_still_told_by_their_names():
    upload = images(*(f"{kind}/{n}.jpg" for n in range(9) for kind in ("cat", "dog", "dog masks")))
    with pytest.raises(InputError, match="images and their masks"):
        folder_roles.roles_of(tree_of(upload), Seen(), Reading("folders", "class folders"))
