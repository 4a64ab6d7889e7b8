"""Runs one deploy job and is killed with -9 at one moment of it.

``python -m tests.deployment.killed_worker JOB MOMENT``. The signal comes from inside, so that it comes at
exactly that moment; it takes the process like any other.
"""

import os
import signal
import sys

import django


def die(*_arguments, **_options):
    os.kill(os.getpid(), signal.SIGKILL)


def before(function, matches):
    def wrapped(*arguments, **options):
        if matches(arguments):
            die()
        return function(*arguments, **options)

    return wrapped


def after(function, matches):
    def wrapped(*arguments, **options):
        result = function(*arguments, **options)
        if matches(arguments):
            die()
        return result

    return wrapped


def arm(moment: str) -> None:
    from portal.deployment import attempt, steps
    from portal.devices.connection import BoardConnection

    def activates(arguments):
        return "activate" in arguments

    if moment == "before the upload":
        steps._check_space = die
    elif moment == "in the upload":
        BoardConnection.put_file = after(BoardConnection.put_file, lambda arguments: True)
    elif moment == "before the switch":
        steps.run_release_manager = before(steps.run_release_manager, activates)
    elif moment == "after the switch":
        steps.run_release_manager = after(steps.run_release_manager, activates)
    elif moment == "before the rows":
        attempt.running.record = before(attempt.running.record, lambda arguments: "-job" in str(arguments[1]))
    else:
        raise SystemExit(f"no such moment: {moment}")


def main(job: str, moment: str) -> None:
    django.setup()
    from portal.jobs import execution

    arm(moment)
    execution.execute(int(job))
    raise SystemExit("it was not killed")


if __name__ == "__main__":
    main(*sys.argv[1:])
