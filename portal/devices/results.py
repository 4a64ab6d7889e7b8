"""The result of a command on a board."""

from __future__ import annotations

from dataclasses import dataclass

from portal.core.untrusted import clean_text
from workers.contract.messages import msg

COMMAND_NOT_FOUND = (126, 127)
KILLED = (-1, 128 + 9)  # as SSH reports it, and as a shell in between reports it


@dataclass(frozen=True)
class RunResult:
    """A command's output. ``status`` is its exit status; -1 if a signal ended it.

    ``stdout`` is only its end if lines were passed on one by one; ``stderr`` always is.
    """

    argv: list[str]
    status: int
    stdout: str
    stderr: str

    @property
    def ok(self) -> bool:
        return self.status == 0

    @property
    def not_found(self) -> bool:
        return self.status in COMMAND_NOT_FOUND

    @property
    def killed(self) -> bool:
        return self.status in KILLED

    def last_words(self) -> str:
        """The last line of its errors, or of its output, to quote to a person."""
        lines = [line for line in (self.stdout + "\n" + self.stderr).splitlines() if line.strip()]
        return clean_text(lines[-1], 300) if lines else msg("it said nothing")
