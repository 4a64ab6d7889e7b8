"""``slipway``: the portal from the command line."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence

import click
from click import shell_completion

from slipway.cli.commands import (
    account,
    api,
    applications,
    cameras,
    datasets,
    devices,
    evidence,
    fitting,
    history,
    jobs,
    jump_hosts,
    models,
    policies,
    reviewing,
    rollouts,
    runs,
    session,
    team,
    variants,
    webhooks,
)
from slipway.cli.screen import plain
from slipway.errors import EXIT_CODES, Interrupted, SlipwayError, Usage

EPILOG = "\b\nExit codes:\n" + "\n".join(f"  {code:>3}  {words}" for code, words in EXIT_CODES.items())


@click.version_option(package_name="slipway", message="slipway %(version)s")
@click.group(
    epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
def slipway():
    """Datasets, runs, jobs and devices of a Slipway portal.

    Sign in once with `slipway login URL`, or set SLIPWAY_URL and SLIPWAY_TOKEN. Results go to standard
    output, everything else to standard error; --json prints one JSON document.
    """


for module in (
    session,
    account,
    datasets,
    runs,
    variants,
    fitting,
    models,
    jobs,
    devices,
    cameras,
    jump_hosts,
    policies,
    evidence,
    rollouts,
    reviewing,
    applications,
    history,
    team,
    webhooks,
    api,
):
    module.add_to(slipway)


@slipway.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str):
    """Print the shell code that completes commands and options.

    \b
    bash:  slipway completion bash > ~/.local/share/bash-completion/completions/slipway
    zsh:   slipway completion zsh > ~/.zfunc/_slipway
    fish:  slipway completion fish > ~/.config/fish/completions/slipway.fish
    """
    kind = shell_completion.get_completion_class(shell)
    if kind:
        click.echo(kind(slipway, {}, "slipway", "_SLIPWAY_COMPLETE").source())


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (see ``errors.EXIT_CODES``)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names may not fit its encoding
            stream.reconfigure(errors="backslashreplace")
    try:
        slipway.main(args=argv, prog_name="slipway", standalone_mode=False)
        return 0
    except SlipwayError as error:
        if str(error):
            _print_error(str(error))
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return Usage.exit_code
    except (click.Abort, KeyboardInterrupt):
        return Interrupted.exit_code


def _print_error(sentence: str) -> None:
    click.echo(f"slipway: {plain(sentence)}", err=True)
