"""Live parts ask for themselves again, and stop."""

from django.test import RequestFactory
from django.utils.safestring import mark_safe

from portal.core.live import Live


def live(body="<p>epoch 3/12</p>", active=True, state="a", others=()):
    return Live("part", "/live/", mark_safe(body), active, state, list(others))


def poll(part, **query):
    return part.response(RequestFactory().get("/live/", query))


def test_an_active_part_asks_again_and_a_final_one_does_not():
    assert 'hx-trigger="every 1500ms"' in str(live())
    assert "hx-get" not in str(live(active=False))


def test_nothing_is_sent_while_nothing_changed():
    part = live()
    assert poll(part, seen=part.seen, state="a").status_code == 204
    changed = poll(live("<p>epoch 4/12</p>"), seen=part.seen, state="a")
    assert changed.status_code == 200
    assert "epoch 4/12" in changed.content.decode()


def test_the_last_answer_comes_even_when_the_words_are_the_same():
    part = live(active=False)
    assert poll(part, seen=part.seen, state="a").status_code == 200


def test_other_parts_come_only_with_a_new_stage():
    part = live(state="b", others=[lambda: "<p>the rest</p>"])
    assert "the rest" in poll(part, seen=part.seen, state="a").content.decode()
    assert "the rest" not in poll(part, seen="", state="b").content.decode()


def test_what_varies_by_itself_is_no_change():
    first = '<input name="csrfmiddlewaretoken" value="abc"><time class="ago">1 minute ago</time>'
    again = '<input name="csrfmiddlewaretoken" value="def"><time class="ago">2 minutes ago</time>'
    assert live(first).seen == live(again).seen
    first, again = (f'<b data-since="x" data-ticks>{seconds} s</b>' for seconds in (1, 2))
    assert live(first).seen == live(again).seen
