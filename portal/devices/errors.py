"""Errors of boards, each with one sentence: what is wrong and what to do.

The board's owner sees every message word for word.
"""

from __future__ import annotations

from portal.core.untrusted import clean_sentence
from workers.contract import InputError
from workers.contract.messages import msg

MAX_SENTENCE = 700


class BoardError(InputError):
    """Any failure on the way to a board or on it. ``code`` is stable, for the API.

    An InputError of the contract: a person can fix it, and a retry would not. The message may quote a board:
    it is bounded and free of control characters, whatever is quoted.
    """

    code = "board-error"

    def __init__(self, message: str):
        super().__init__(clean_sentence(message, MAX_SENTENCE))


class Unreachable(BoardError):
    """No SSH server at the address: refused, timed out, no route, unknown name.

    ``momentary`` means that it may change in a few seconds, as with a board that is booting.
    """

    code = "unreachable"

    def __init__(self, message: str, momentary: bool = True):
        super().__init__(message)
        self.momentary = momentary


class SilentBoard(Unreachable):
    """The connection was accepted, but no response came in time."""


class WrongPassword(BoardError):
    """The board refused the user name with this password or key."""

    code = "wrong-password"


class HostKeyChanged(BoardError):
    """The board showed another host key than the pinned one. Nothing secret has been sent to it."""

    code = "host-key-changed"

    def __init__(self, address: str, expected: str, found: str):
        self.expected = expected
        self.found = found
        super().__init__(
            msg(
                "The board at {address} shows another host key than the one pinned at "
                "registration (pinned {expected}, now {found}). If its system was flashed again "
                "or it was replaced, accept the new key on the device's page; if not, another "
                "machine answers at this address: do not send it your password.",
                address=address,
                expected=expected,
                found=found,
            )
        )


class DiskFull(BoardError):
    """The board's storage has no room for the write."""

    code = "disk-full"


class NoPython(BoardError):
    """The Python command of the board's profile does not exist on the board."""

    code = "no-python"


class NoVendorLibrary(BoardError):
    """Python runs, but the inference library of the board's profile cannot be imported."""

    code = "no-library"


class ConnectionLost(BoardError):
    """The connection broke during an operation: cable, Wi-Fi, power."""

    code = "connection-lost"


class RemoteFailed(BoardError):
    """A command or a transfer on the board failed. ``status`` is its exit status, if there was one."""

    code = "remote-failed"

    def __init__(self, message: str, status: int | None = None, output: str = ""):
        super().__init__(message)
        self.status = status
        self.output = output


class MalformedAnswer(RemoteFailed):
    """The board sent an invalid response: wrong types, invalid numbers, far too much."""

    code = "malformed-answer"

    @classmethod
    def of_protocol(cls, address: str, why: object) -> MalformedAnswer:
        """For an SSH server that violates the protocol."""
        return cls(
            msg(
                "The board at {address} does not keep to the SSH protocol ({why}): update its "
                "SSH server, or restart the board.",
                address=address,
                why=why,
            )
        )


class RemoteTimeout(RemoteFailed):
    """A command on the board did not finish in time."""

    code = "remote-timeout"


class WrongAnswer(RemoteFailed):
    """The prediction for a golden image differs from the int8 model's at conversion."""

    code = "golden-mismatch"


class NothingDeployed(RemoteFailed):
    """The board has no current release, so it cannot predict."""

    code = "nothing-deployed"


class CameraFailed(RemoteFailed):
    """The board has no camera that can be used: none is there, it is in use, or it gives no pictures."""

    code = "camera"
