"""``python -m slipway`` and the command ``slipway``."""

import sys


def run() -> int:
    try:
        from slipway.cli.main import main
    except ModuleNotFoundError as error:
        if error.name not in ("click", "rich"):
            raise
        sys.exit("slipway: The command line is not installed: install slipway[cli].")
    return main()


if __name__ == "__main__":
    sys.exit(run())
