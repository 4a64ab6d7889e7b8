"""Signing in and out."""

from __future__ import annotations

import os
import socket
import sys

import click

from slipway import Client, logins
from slipway.cli.app import App, command
from slipway.cli.commands.team import scopes
from slipway.documents import required
from slipway.errors import NotAllowed, NotFound, Refused, Unreachable, Usage

FROM_STDIN = "-"
USUAL = ("read", "datasets", "runs", "deploy")


def add_to(group: click.Group) -> None:
    command(group, "login", short_help="Sign in to a portal.")(login)
    command(group, "logout", short_help="Forget the token.")(logout)
    command(group, "whoami", short_help="Show who you are and the token's scopes.")(whoami)


@click.argument("url")
@click.option(
    "--token", metavar="TOKEN", help="A token made on the page Team; - reads it from standard input."
)
@click.option("--user", metavar="NAME", help="Sign in with name and password: a token is created.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@scopes
@click.option("--days", default=90, show_default=True, help="How long the created token is valid.")
def login(app: App, url: str, token: str | None, user: str | None, password_stdin: bool, **made):
    """Sign in to the portal at URL and remember it.

    With --token (or SLIPWAY_TOKEN), that token is stored. Otherwise your name and password, which are not
    stored, create one with the scopes read, datasets, runs and deploy, or those of --scope. Only you can read
    the file.
    """
    client = Client(url, cacert=app.cacert, patience=0)
    token = token or ("" if user else os.environ.get("SLIPWAY_TOKEN", ""))
    if token:
        secret = _from_stdin() if token == FROM_STDIN else token
        client.token = secret.strip()
    else:
        user = user or _prompt("Name", hidden=False)
        password = _from_stdin() if password_stdin else _prompt("Password", hidden=True)
        name, wanted = f"slipway on {socket.gethostname()}"[:100], list(made["scopes"] or USUAL)
        secret = client.sign_in(user, password, name, wanted, made["days"])
    found = _team(client)
    cacert = os.path.abspath(app.cacert) if app.cacert else ""
    kept = logins.save(logins.Login(client.base, secret.strip(), cacert))
    app.screen.document({"url": client.base, "team": found["name"], "role": found["role"], "file": str(kept)})
    app.screen.line(f"Signed in to {client.base}: {found['role']} of the team {found['name']}.")


def _prompt(what: str, hidden: bool) -> str:
    if not sys.stdin.isatty():
        raise Usage("There is no terminal to ask on: give --token, or --user and --password-stdin.")
    return click.prompt(what, hide_input=hidden, err=True)


def _from_stdin() -> str:
    return sys.stdin.readline().rstrip("\r\n")


def _team(client: Client) -> dict:
    """The current team; fails if this is not a portal or the token is not valid."""
    try:
        teams = required(client.get("teams/"), "results")
    except (KeyError, TypeError, NotFound, Refused, Unreachable) as error:
        if type(error) is Unreachable and error.status not in range(200, 300):
            raise
        raise Unreachable(
            f"What answers at {client.base} is no Slipway portal: check the address."
        ) from error
    if not teams:
        raise NotAllowed("You are in no team: ask an administrator for an invitation.")
    return next((team for team in teams if team["current"]), teams[0])


def logout(app: App):
    """Forget the token. To revoke it, use the Team page."""
    known = logins.forget()
    app.screen.document({"url": known.url if known else None})
    app.screen.line(f"The token for {known.url} is forgotten." if known else "Nobody was signed in.")


def whoami(app: App):
    """Show who you are: portal, team and role, and the token's scopes and expiry."""
    team, me = _team(app.client), app.client.me()
    found = {"url": app.client.base, "user": me["username"], "team": team["name"], "role": team["role"],
             "scopes": me["scopes"], "expires_at": me["expires_at"]}  # fmt: skip
    app.screen.document(found)
    app.screen.line(f"{app.client.base}: {me['username']}, {team['role']} of the team {team['name']}")
    app.screen.line(f"  scopes: {' '.join(me['scopes'] or ())}")
    app.screen.line(f"  until: {(me['expires_at'] or '')[:16].replace('T', ' ')}")
