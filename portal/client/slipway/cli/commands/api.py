"""``slipway api``: any call of the REST API, with the login and the exit codes of the other commands."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from slipway.cli.app import App, command
from slipway.errors import Usage

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]


def add_to(group: click.Group) -> None:
    command(group, "api", short_help="Make any call of the REST API.")(api)


@click.argument("path")
@click.option("-X", "--method", type=click.Choice(METHODS, case_sensitive=False),
              help="[default: GET, and POST with fields or --input]")  # fmt: skip
@click.option("-f", "--raw-field", "raw", multiple=True, metavar="KEY=TEXT", help="A text field.")
@click.option("-F", "--field", "typed", multiple=True, metavar="KEY=VALUE",
              help="A field in JSON (3, true, null, [1]), else a text; @FILE or @- reads it.")  # fmt: skip
@click.option("-H", "--header", "headers", multiple=True, metavar="NAME:VALUE")
@click.option("--input", "body", type=click.File("rb"), help="The body, from a file; - is standard input.")
@click.option("--paginate", is_flag=True, help="Follow the pages of a list and print all its rows.")
@click.option("-i", "--include", is_flag=True, help="Print status and headers as well.")
def api(app: App, path: str, method: str | None, raw, typed, headers, body, paginate: bool, include: bool):
    """Call PATH, relative to /api/v1/, and print the response.

    Fields become the query of a GET, or the JSON body of any other call.

        slipway api runs/ -X GET -f status=failed --paginate
        slipway api runs/ -F dataset_version=3 -f preset=fast
    """
    fields: dict[str, Any] = {
        **dict(map(_pair, raw)),
        **{key: _typed(value) for key, value in map(_pair, typed)},
    }
    if fields and body:
        raise Usage("Give fields or --input, not both.")
    method = (method or ("POST" if fields or body else "GET")).upper()
    if paginate:
        if method != "GET":
            raise Usage("Only lists have pages: leave --paginate out.")
        app.screen.as_json = not app.screen.fields
        app.screen.document(list(app.client.rows(path, **fields)))
        return
    _print(app, app.client.call(method, path, **_options(method, fields, headers, body)), include)


def _options(method: str, fields: dict, headers: tuple[str, ...], body) -> dict[str, Any]:
    options: dict[str, Any] = {"headers": dict(map(_header, headers))}
    if body:
        options["headers"].setdefault("Content-Type", "application/json")
        options["data"] = body.read()
    elif fields:
        options["params" if method in ("GET", "HEAD") else "json"] = fields
    return options


def _print(app: App, answer, include: bool) -> None:
    if include:
        app.screen.line(f"HTTP {answer.status_code}")
        for name, value in answer.headers.items():
            app.screen.line(f"{name}: {value}")
        app.screen.line()
    is_json = answer.headers.get("Content-Type", "").partition(";")[0].endswith("json")
    if is_json and (app.screen.fields or app.screen.as_json):
        app.screen.document(answer.json())
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(answer.content + (b"\n" if is_json else b""))
    sys.stdout.buffer.flush()


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise Usage(f"{text!r} is no field: write it as in preset=fast.")
    return key, value


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not name.strip() or not colon:
        raise Usage(f'{text!r} is no header: write it as in If-Match: "…".')
    return name.strip(), value.strip()


def _typed(text: str) -> Any:
    if text.startswith("@"):
        with click.open_file(text[1:], encoding="utf-8") as file:
            return file.read()
    try:
        return json.loads(text)
    except ValueError:
        return text
