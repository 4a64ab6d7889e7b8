"""No text that a person or a board writes makes the portal match for long."""

import contextlib
import signal

import pytest
from django.utils import translation

from portal.core import sentences
from portal.core.boundedcache import BoundedCache
from portal.core.sentencepattern import Pattern
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


HOSTILE = [
    "There is no preset " + "; choose one of " * 140,
    "There is no preset a; choose one of b. " * 400,
    "a. " * 5000,
    ", ".join(f"{number} of the" for number in range(900)),
    "; ".join(["There is no chip a; choose from b"] * 300),
    "The The The " * 600 + ".",
    "x" * 43_000,
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("length", [1100, sentences.LONGEST, 43_000])
def test_translating_a_hostile_text_is_quick(text, length):
    sentences._known.clear()
    with translation.override("zh-hans"), within(SECONDS):
        sentences.translate(text[:length])


def test_a_sentence_costs_time_that_grows_with_the_text_alone():
    pattern = Pattern.of("{a}: {b}, {c}; {d} and {e} of {f}.", "")
    text = ": , ;  and  of " * 20_000
    with within(SECONDS):
        assert pattern.places(text) is None


def test_places_hold_what_stands_between_the_fixed_words():
    pattern = Pattern.of("{name} of {team}: {name}.", "")
    assert pattern.places("a of b: a.") == {"name": "a", "team": "b"}
    assert pattern.places("a of b: c.") is None
    assert pattern.places("a of b") is None
    assert Pattern.of("{first} {second}", "") is None


def test_what_was_translated_is_kept_within_a_bound():
    cache = BoundedCache(most=1000)
    for number in range(500):
        cache.put(number, "x", size=50)
    assert cache.held <= 1000
    assert cache.get(499) == "x" and cache.get(0) is None
    cache.put("giant", "x" * 101, size=101)
    assert cache.get("giant") is None
