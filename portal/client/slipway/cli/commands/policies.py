"""Deployment policies: what compiled models must reach before they go on a board."""

from __future__ import annotations

from typing import Any

import click

from slipway import lookup
from slipway.cli.app import App, at, command, confirmed, is_given, limited
from slipway.cli.numbers import Number
from slipway.errors import Failed, NotFound, Usage

LIMITS = ("max_drop", "fail_under", "fail_class_under", "max_memory_mb", "max_ms", "no_cpu")
share = Number(0, 1)
amount = Number(0, 1_000_000)


def add_to(group: click.Group) -> None:
    @group.group()
    def policy():
        """What compiled models must reach before they are deployed."""

    command(policy, "list", at("deployments/policies/"), short_help="List the team's policies.")(list_)
    command(policy, "set", at("deployments/policies/"), short_help="Set the policy for a task and chip.")(
        set_
    )
    command(policy, "remove", short_help="Remove a policy.")(remove)
    command(group, "gate", short_help="Check whether a run's models may be deployed.")(gate)


def _cells(limits: dict[str, Any]) -> str:
    return " ".join(f"{name}={limits[name]}" for name in LIMITS if is_given(limits.get(name)))


@limited
def list_(app: App, limit: int):
    """List the team's deployment policies."""
    rows = app.rows("policies/", limit)
    app.screen.document(rows)
    cells = [
        (
            row["task"],
            row["chip"] or "all",
            _cells(row),
            f"{row['passing']} of {row['models']}",
            row["warning"],
        )
        for row in rows
    ]
    app.screen.table(["Task", "Chip", "Limits", ">Met by", "Note"], cells)


@click.argument("task")
@click.option("--chip", default="", help="Such as rv1106; else the policy is for all chips.")
@click.option("--max-drop", type=share, help="The most that may be lost: 0.01 is a point.")
@click.option("--fail-under", type=share, help="The least metric.")
@click.option("--fail-class-under", type=share, help="The least recall or AP of each class.")
@click.option("--max-memory-mb", type=amount, help="Weights and feature maps.")
@click.option("--max-ms", type=amount, help="For one image.")
@click.option("--no-cpu", is_flag=True, help="Every operator runs on the NPU.")
def set_(app: App, task: str, chip: str, **limits):
    """Set the policy for a task, such as detection, and a chip. It replaces the earlier one."""
    given = {name: limit for name, limit in limits.items() if is_given(limit)}
    if not given:
        raise Usage("Give at least one limit: see  slipway policy set --help")
    row = app.client.post("policies/", json={"task": task, **({"chip": chip} if chip else {}), **given})
    app.screen.document(row)
    app.screen.line(f"{task} {chip or 'for all chips'}: {_cells(row)}")
    if row["warning"]:
        app.screen.note(row["warning"])


@click.argument("task")
@click.option("--chip", default="", help="Of the policy for this chip.")
@confirmed
def remove(app: App, task: str, chip: str, yes: bool):
    """Remove a policy; models are deployed without its limits."""
    row = next(
        (row for row in app.client.rows("policies/") if (row["task"], row["chip"]) == (task, chip)), None
    )
    if row is None:
        raise NotFound(f"There is no policy for {task} {chip or 'and all chips'}.")
    app.confirm(f"Remove the policy for {task} {chip or 'and all chips'}?", yes)
    app.delete(f"policies/{row['id']}/", {"removed": row["id"]}, "The policy is removed.")


@click.argument("run", metavar="RUN")
def gate(app: App, run: str):
    """Check whether the team's policies let a run's models be deployed; fails if they refuse one."""
    rows = app.client.gate(lookup.number(run, "run"))
    app.screen.document(rows)
    cells = [
        (
            row["chip"],
            "passed" if row["passed"] else "refused",
            " ".join(miss["sentence"] for miss in row["misses"]),
        )
        for row in rows
    ]
    app.screen.table(["Chip", "Gate", "Why"], cells)
    if not all(row["passed"] for row in rows):
        raise Failed("The deployment policy refuses a model of this run.")
