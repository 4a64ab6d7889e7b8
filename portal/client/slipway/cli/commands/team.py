"""A team: its members, tokens, limits and audit."""

from __future__ import annotations

import sys

import click

from slipway import lookup
from slipway.cli.app import App, at, command, confirmed, limited, since, until
from slipway.cli.numbers import Whole
from slipway.cli.screen import size
from slipway.errors import Usage

ROLES = ["viewer", "member", "operator", "admin"]
SCOPES = ["read", "datasets", "runs", "deploy", "admin"]
scopes = click.option("--scope", "scopes", multiple=True, type=click.Choice(SCOPES), help="May be repeated.")


def add_to(group: click.Group) -> None:
    @group.group()
    def member():
        """Members of the team."""

    @group.group()
    def token():
        """API tokens; listing them needs a token with the scope admin."""

    command(member, "list", at("team/"), short_help="List the team's members.")(members)
    command(member, "invite", short_help="Create an invitation link.")(invite)
    command(member, "role", short_help="Change a member's role.")(role)
    command(member, "remove", short_help="Remove a member from the team.")(remove)
    command(token, "list", at("team/tokens/"), short_help="List API tokens.")(tokens)
    command(token, "add", short_help="Create a token and print its secret.")(add)
    command(token, "revoke", short_help="Revoke a token.")(revoke)

    @group.group()
    def service():
        """Service accounts: accounts of the team for programs."""

    command(service, "list", at("team/service-accounts/"), short_help="List service accounts.")(services)
    command(service, "add", short_help="Create a service account.")(add_service)
    command(service, "token", short_help="Create a token of a service account.")(service_token)
    command(service, "end", short_help="End a service account and its tokens.")(end_service)
    command(group, "limits", at("team/limits/"), short_help="Show or set the team's limits.")(limits)
    command(group, "audit", at("team/audit/"), short_help="Show who did what.")(audit)


@limited
def members(app: App, limit: int):
    """List the team's members."""
    rows = app.rows("members/", limit)
    app.screen.document(rows)
    app.screen.table(["Name", "Role"], [(row["username"], row["role"]) for row in rows])


@click.option("--role", "new_role", required=True, type=click.Choice(ROLES))
@click.option(
    "--days", default=7, show_default=True, type=Whole(1, 30, unit="days"), help="How long it is valid."
)
@click.option("--note", default="", help="Who it is for.")
def invite(app: App, new_role: str, days: int, note: str):
    """Create a one-time link to join the team. It is shown only now."""
    row = app.client.post("invitations/", json={"role": new_role, "days": days, "note": note})
    app.screen.document(row)
    app.screen.line(row["link"])


def _member(app: App, name: str) -> dict:
    return lookup.named(app.client, "members/", "member", name, key="username")


@click.argument("name")
@click.argument("new_role", metavar="ROLE", type=click.Choice(ROLES))
def role(app: App, name: str, new_role: str):
    """Change a member's role: viewer, member, operator or admin."""
    row = app.client.patch(f"members/{_member(app, name)['id']}/", role=new_role)
    app.screen.document(row)
    app.screen.line(f"{row['username']} is {row['role']} now.")


@click.argument("name")
@confirmed
def remove(app: App, name: str, yes: bool):
    """Remove a member from the team; their tokens for it are revoked."""
    row = _member(app, name)
    app.confirm(f"Take {row['username']} out of the team?", yes)
    sentence = f"{row['username']} is no longer in the team."
    app.delete(f"members/{row['id']}/", {"removed": row["id"]}, sentence)


@limited
def tokens(app: App, limit: int):
    """List your API tokens in this team; administrators see everyone's."""
    rows = app.rows("tokens/", limit)
    app.screen.document(rows)
    cells = [
        (row["id"], row["name"], row["owner"], " ".join(row["scopes"]), row["state"], row["expires_at"][:10],
         (row["last_used_at"] or "never")[:10])
        for row in rows
    ]  # fmt: skip
    app.screen.table([">ID", "Name", "Owner", "Scopes", "State", "Until", "Last used"], cells)


@click.argument("name")
@scopes
@click.option(
    "--days", default=90, show_default=True, type=Whole(1, unit="days"), help="How long it is valid."
)
def add(app: App, name: str, scopes: tuple[str, ...], days: int):
    """Create a token for yourself and print its secret, which is shown only now."""
    _print_made(app, "tokens/", name, scopes, days)


def _print_made(app: App, path: str, name: str, scopes: tuple[str, ...], days: int) -> None:
    if not scopes:
        raise Usage("Say what the token may do: --scope read, datasets, runs, deploy or admin.")
    row = app.client.post(path, json={"name": name, "scopes": list(scopes), "days": days})
    app.screen.document(row)
    app.screen.note(f"Valid until {row['expires_at'][:10]}. Keep it: it is told only now.")
    app.screen.line(row["secret"])


@click.argument("name", metavar="NAME|ID")
def revoke(app: App, name: str):
    """Revoke a token. It stays in the list."""
    row = lookup.named(app.client, "tokens/", "token", name)
    app.delete(f"tokens/{row['id']}/", {"revoked": row["id"]}, f"{row['name']} is revoked.")


@limited
def services(app: App, limit: int):
    """List the team's service accounts."""
    rows = app.rows("service-accounts/", limit)
    app.screen.document(rows)
    app.screen.table(
        ["Name", "Role", "Created"], [(row["name"], row["role"], row["created_at"][:10]) for row in rows]
    )


def _service(app: App, name: str) -> dict:
    return lookup.named(app.client, "service-accounts/", "service", name)


@click.argument("name")
@click.option("--role", "new_role", required=True, type=click.Choice(ROLES[:-1]))
def add_service(app: App, name: str, new_role: str):
    """Create an account for programs. It has no token yet."""
    row = app.client.post("service-accounts/", json={"name": name, "role": new_role})
    app.screen.document(row)
    app.screen.line(f"{row['name']} is made; the audit names it {row['username']}.")


@click.argument("service")
@click.argument("name")
@scopes
@click.option(
    "--days", default=90, show_default=True, type=Whole(1, unit="days"), help="How long it is valid."
)
def service_token(app: App, service: str, name: str, scopes: tuple[str, ...], days: int):
    """Create a token of a service account and print its secret, which is shown only now."""
    _print_made(app, f"service-accounts/{_service(app, service)['id']}/tokens/", name, scopes, days)


@click.argument("name")
@confirmed
def end_service(app: App, name: str, yes: bool):
    """End a service account; its tokens are revoked."""
    row = _service(app, name)
    app.confirm(f"End {row['name']} and its tokens?", yes)
    app.delete(f"service-accounts/{row['id']}/", {"ended": row["id"]}, f"{row['name']} is ended.")


@click.option("--set", "changes", multiple=True, metavar="NAME=NUMBER",
              help="A limit of the team, such as running_train=2 or storage_mb=none.")  # fmt: skip
def limits(app: App, changes: tuple[str, ...]):
    """Show the team's limits and usage; an administrator can set lower limits."""
    found = app.client.get("limits/")
    if changes:
        body = {**(found["team"] or {}), **dict(map(_limit, changes))}
        found = app.client.call("PUT", "limits/", json=body).json()
    app.screen.document(found)
    cells = [
        (f"running_{queue}", found["running_now"][queue], most) for queue, most in found["running"].items()
    ]
    cells += [("queued", found["queued_now"], found["queued"])]
    cells += [("storage_mb", size(found["storage_now"]["total"]), size(found["storage"]))]
    app.screen.table(
        ["Limit", ">Used", ">At most"], [(name, now, most or "no limit") for name, now, most in cells]
    )


def _limit(text: str) -> tuple[str, int | None]:
    name, equals, value = text.partition("=")
    if not equals or not (value.isdecimal() or value == "none"):
        raise Usage(f"{text!r} is no limit: write it as in running_train=2 or storage_mb=none.")
    return name, None if value == "none" else int(value)


@click.argument("text", required=False)
@click.option("--person", help="Who did it.")
@click.option("--verb", help="Such as run.create, or run for all of its kind.")
@click.option("--result", help="done or refused.")
@since
@until
@click.option("--csv", "as_csv", is_flag=True, help="Print all entries as CSV.")
@limited
def audit(app: App, as_csv: bool, limit: int, **wanted):
    """Show who did what, newest first. TEXT is searched for in objects, details, people and addresses."""
    if as_csv:
        params = {key: value for key, value in wanted.items() if value}
        sys.stdout.write(app.client.call("GET", "audit/csv/", params=params).text)
        return
    rows = app.rows("audit/", limit, **wanted)
    app.screen.document(rows)
    cells = [
        (row["at"][:19].replace("T", " "), row["actor"], row["token"] or row["via"], row["verb"],
         row["object_label"], row["detail"], row["result"])
        for row in rows
    ]  # fmt: skip
    app.screen.table(["At", "Who", "By", "Did", "What", "Detail", "Result"], cells)
