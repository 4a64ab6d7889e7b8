"""For people who are not signed in: accepting an invitation, resetting a forgotten password."""

from __future__ import annotations

import sys
from urllib.parse import urlsplit

import click

from slipway import Client
from slipway.cli.app import App, command
from slipway.errors import Usage

with_password = click.option(
    "--password-stdin", is_flag=True, help="Read the new password from standard input."
)


def add_to(group: click.Group) -> None:
    command(group, "join", short_help="Join a team by an invitation link.")(join)

    @group.group()
    def password():
        """Reset a forgotten password."""

    command(password, "forgotten", short_help="Have a password-reset link mailed.")(forgot_password)
    command(password, "reset", short_help="Set a new password by a link.")(reset)


@click.argument("link")
@click.option("--user", metavar="NAME", help="Create an account with this name.")
@click.option("--email", help="The new account's e-mail address.")
@with_password
def join(app: App, link: str, user: str | None, email: str | None, password_stdin: bool):
    """Join a team by an invitation link: with a new account, or, without --user, with your own.

    With your own account, it needs a token with the scope admin (`slipway login --scope admin`).
    """
    body = {"link": link, "username": user, "email": email}
    if user:
        client = Client(_portal(link), cacert=app.cacert)
        body["password"] = _password(password_stdin)
    else:
        client = app.client
        if client.base != _portal(link):
            raise Usage(
                f"You are signed in to {client.base}, and the link leads to {_portal(link)}: give --user."
            )
    row = client.post("invitations/accept/", json={key: value for key, value in body.items() if value})
    app.screen.document(row)
    app.screen.line(f"{row['username']} is {row['role']} of the team {row['name']} now.")


@click.argument("url")
@click.argument("email")
def forgot_password(app: App, url: str, email: str):
    """Have the portal at URL mail a password-reset link to EMAIL."""
    Client(url, cacert=app.cacert).call("POST", "me/password/forgotten/", json={"email": email})
    app.screen.document({"email": email})
    app.screen.line("If an account has this address, a link is on its way to it.")


@click.argument("link")
@click.option("--keep-tokens", is_flag=True, help="Keep your API tokens.")
@with_password
def reset(app: App, link: str, keep_tokens: bool, password_stdin: bool):
    """Set a new password by a link from a mail or an administrator. Your API tokens are revoked."""
    body = {"link": link, "new_password": _password(password_stdin), "revoke_tokens": not keep_tokens}
    answer = Client(_portal(link), cacert=app.cacert).call("POST", "me/password/reset/", json=body)
    app.screen.document({"tokens_working": int(answer.headers["Tokens-Working"])})
    app.screen.line("Your new password is set: sign in with it.")


def _portal(link: str) -> str:
    """The URL of the portal that a link leads to. Raises Usage."""
    parts = urlsplit(link)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise Usage(f"{link!r} is no whole link: copy it with the http in front.")
    for path in ("/invitations/", "/password/"):
        if path in parts.path:
            return f"{parts.scheme}://{parts.netloc}{parts.path.partition(path)[0]}"
    raise Usage(f"{link!r} is no link of an invitation or for a password.")


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise Usage("There is no terminal to ask on: give --password-stdin.")
    return click.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)
