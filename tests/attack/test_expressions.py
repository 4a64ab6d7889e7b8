"""No text that a person or a board writes makes the portal match for long."""

import contextlib
import signal

import pytest

from tests.attack.expressions import Expression, hostile_texts, of_our_code

LENGTH = 20_000
SECONDS = 0.5  # for one text; a good expression takes a few milliseconds


class TooLong(Exception):
    """The processor worked longer on one text than a good expression could."""


@contextlib.contextmanager
def within(seconds: float):
    """Raise TooLong when the block takes more of the processor; ``re`` looks for signals as it matches."""

    def stop(*_):
        raise TooLong

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def hangs(expression: Expression) -> bool:
    """Whether some hostile text keeps the expression busy."""
    compiled = expression.compiled()
    try:
        for text in hostile_texts(expression, LENGTH):
            for ask in (compiled.search, compiled.match, compiled.fullmatch):
                with within(SECONDS):
                    ask(text)
    except TooLong:
        return True
    return False


def test_no_expression_of_our_code_backtracks():
    found = list(of_our_code())
    assert len(found) > 30
    slow = [f"{one.place}: {one.pattern!r}" for one in found if hangs(one)]
    assert not slow, "These take too long on a hostile text; rewrite or bound them: " + "; ".join(slow)


@pytest.mark.parametrize("bad", [r"x*x*y", r"(\s|a)*?b$", r"\s+$", r"name: (.*), (.*), (.*)\."])
def test_the_search_for_bad_expressions_finds_them(bad):
    assert hangs(Expression("here", bad, 0))
