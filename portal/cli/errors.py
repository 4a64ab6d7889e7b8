"""What can go wrong, each with the exit code that scripts may rely on. The message is one sentence."""

from __future__ import annotations


class CliError(Exception):
    """The base of all; by itself: the job or the run did not succeed."""

    exit_code = 1


class Failed(CliError):
    """The job or the run failed or was cancelled."""


class Usage(CliError):
    """The command line cannot be meant, or a file or folder that it names cannot be used."""

    exit_code = 2


class NotAllowed(CliError):
    """Not signed in, a token that opens nothing, or one that may not do this."""

    exit_code = 3


class NotFound(CliError):
    """No dataset, run, job, device or file of this name or number."""

    exit_code = 4


class Unreachable(CliError):
    """No answer from the portal, or an answer that says that it is out of order."""

    exit_code = 5


class Refused(CliError):
    """The portal does not take what was given: a file, a value, or the state of things forbids it."""

    exit_code = 6


class Undecided(CliError):
    """An upload can be read in more than one way, or a person asked to see it first: it waits."""

    exit_code = 7


class Interrupted(CliError):
    """Ctrl-C; the message says what goes on without us."""

    exit_code = 130


class ReaderGone(CliError):
    """Whoever read our standard output has read enough; the code is a shell's for SIGPIPE."""

    exit_code = 141


EXIT_CODES = {
    0: "done",
    Failed.exit_code: "the job or the run failed or was cancelled",
    Usage.exit_code: "invalid usage, or a file that cannot be used",
    NotAllowed.exit_code: "not signed in, or not allowed",
    NotFound.exit_code: "no such dataset, run, job, device or file",
    Unreachable.exit_code: "the portal does not answer, or is out of order",
    Refused.exit_code: "the portal does not take what was given",
    Undecided.exit_code: "an upload needs review: say how to read it, or confirm it",
    Interrupted.exit_code: "Ctrl-C; what runs on the portal goes on",
}
