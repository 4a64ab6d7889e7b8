"""Attacks on a running portal: each is a function that raises ``NotHeld`` when the portal does not hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


class NotHeld(Exception):
    """The attack succeeded; the message says what happened."""


@dataclass(frozen=True)
class Attack:
    """``point`` is what the attack is about. ``alone``: others are bound to notice it, so nobody watches."""

    name: str
    point: str
    run: Callable
    alone: bool = False


ATTACKS: dict[str, Attack] = {}


def attack(point: str, alone: bool = False) -> Callable:
    """Register a function ``(scene) -> None`` as an attack; its docstring says what is done."""

    def register(function: Callable) -> Callable:
        ATTACKS[function.__name__] = Attack(function.__name__, point, function, alone)
        return function

    return register


def require(holds: object, sentence: str) -> None:
    if not holds:
        raise NotHeld(sentence)
