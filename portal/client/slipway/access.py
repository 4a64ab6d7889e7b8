"""The part of the client that changes the credentials of devices."""

from __future__ import annotations

from typing import Any

from slipway import lookup, waiting
from slipway.calls import Calls
from slipway.types import AccessChange, Device, PasswordChange
from slipway.waiting import OnChange


def nothing(value: Any) -> None:
    """The default callback: ignores progress."""


class AccessCalls(Calls):
    def install_key(
        self, device: Device | int | str, *, wait: bool = True, on_change: OnChange = nothing
    ) -> AccessChange:
        """Sign in to the device with a key of its own from now on. Raises Failed; then the password stays."""
        return self._change_access(device, "key", {}, wait, on_change)

    def change_password(
        self,
        device: Device | int | str,
        password: str = "",
        *,
        wait: bool = True,
        on_change: OnChange = nothing,
    ) -> PasswordChange:
        """Change the password on the device; without one, the row has a generated one. Raises Failed."""
        body = {"json": {"password": password} if password else {}}
        return self._change_access(device, "password", body, wait, on_change)

    def undo_access(
        self, device: Device | int | str, *, wait: bool = True, on_change: OnChange = nothing
    ) -> AccessChange:
        """Undo the last change of key or password. Raises Failed."""
        return self._change_access(device, "undo", {}, wait, on_change)

    def _change_access(self, device, what: str, body: dict, wait: bool, on_change: OnChange) -> Any:
        row = self.post(f"devices/{self.device_id(device)}/access/{what}/", **body)
        if wait:
            row["job"] = waiting.until_final(self, f"jobs/{row['job']['id']}/", on_change)
            waiting.succeeded("The change of access", row["job"])
        return row

    def device_id(self, device: Device | int | str) -> int:
        """The device's number. Raises NotFound for an unknown name."""
        if isinstance(device, str):
            return lookup.device(self, device)["id"]
        return device if isinstance(device, int) else int(device["id"])
