"""The client's methods for images that come back from boards, timings, and the application on a board."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from slipway import lookup, waiting
from slipway.board_types import BoardApplication, Profile, ReviewItem
from slipway.calls import Calls
from slipway.errors import NotFound
from slipway.types import Version
from slipway.waiting import OnChange

ACTS = ("start", "stop", "remove", "refresh")


def _id(row: Mapping[str, Any] | int) -> int:
    return row if isinstance(row, int) else int(row["id"])


class BoardCalls(Calls):
    """Review images from devices; time releases; install the application on a board."""

    def review_items(self, **filters: Any) -> Iterator[ReviewItem]:
        """Images from devices, newest first; ``state`` and ``device`` are filters."""
        return self.rows("review-items/", **filters)

    def accept(self, item: ReviewItem | int, label: str | None = None, boxes: Any = None) -> ReviewItem:
        """Confirm the prediction for an image, or correct it with the name of a class, or with boxes."""
        given = {"label": label, "boxes": boxes}
        body = {name: value for name, value in given.items() if value is not None}
        return self.post(f"review-items/{_id(item)}/accept/", json=body)

    def discard(self, item: ReviewItem | int) -> ReviewItem:
        """Discard an image; ``undo`` brings it back for a day."""
        return self.post(f"review-items/{_id(item)}/discard/")

    def undo(self, item: ReviewItem | int) -> ReviewItem:
        """Bring an image back into the queue, as long as it is in no version."""
        return self.post(f"review-items/{_id(item)}/undo/")

    def next_version(self, dataset: str | int) -> Version:
        """Make the next version of a dataset: the newest one with the accepted images added."""
        number = dataset if isinstance(dataset, int) else lookup.dataset(self, dataset)["id"]
        return self.post("review-items/version/", json={"dataset": number})

    def profiles(self, device: str | int) -> Iterator[Profile]:
        """The timings of a device, newest first."""
        return self.rows("profiles/", device=self._device(device))

    def profile(
        self, device: str | int, *, wait: bool = True, on_change: OnChange = lambda job: None
    ) -> Profile:
        """Time the current release of a device on the board. Raises Failed if it could not be timed."""
        row = self.post("profiles/", json={"device": self._device(device)})
        if wait:
            job = waiting.until_final(self, f"jobs/{row['job']['id']}/", on_change)
            waiting.succeeded("The timing", job)
            row = self.get(f"profiles/{row['id']}/")
        return row

    def application(self, device: str | int) -> BoardApplication:
        """The application on a device, as the board last reported it. Raises NotFound without one."""
        number = self._device(device)
        for row in self.rows("device-apps/"):
            if row["device"] == number:
                return row
        raise NotFound(f"There is no application on {device}: install it first.")

    def install_application(self, device: str | int, output: str, **options: Any) -> BoardApplication:
        """Queue the installation; the options are the fields of ``POST /device-apps/``."""
        return self.post("device-apps/", json={"device": self._device(device), "output": output, **options})

    def tell_application(self, device: str | int, act: str) -> BoardApplication:
        """Queue ``start``, ``stop``, ``remove`` or ``refresh``."""
        if act not in ACTS:
            raise ValueError(f"{act} is none of {', '.join(ACTS)}")
        return self.post(f"device-apps/{self.application(device)['id']}/{act}/")

    def _device(self, device: str | int) -> int:
        return device if isinstance(device, int) else lookup.device(self, device)["id"]
