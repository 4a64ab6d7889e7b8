"""Live parts ask for themselves again, and stop."""

import json
from types import SimpleNamespace

import pytest
from django.core.cache import cache
from django.template import Context, Template
from django.test import RequestFactory
from django.utils.safestring import mark_safe

from portal.core.live import Live, respond


def live(body="<p>epoch 3/12</p>", active=True, state="a", others=(), **more):
    return Live("part", "/live/", mark_safe(body), active, state, list(others), **more)


def asking(tag=None, role="viewer", language="en", team=1):
    headers = {"If-None-Match": tag} if tag else {}
    request = RequestFactory().get("/live/", headers=headers)
    request.team, request.membership = SimpleNamespace(pk=team), SimpleNamespace(role=role)
    request.user, request.LANGUAGE_CODE = SimpleNamespace(is_superuser=False), language
    return request


def poll(part, tag=None):
    return part.response(asking(tag))


def test_an_active_part_asks_again_with_its_tag_and_a_final_one_does_not():
    part = live()
    assert 'hx-trigger="every 1500ms"' in str(part)
    assert json.loads(part.headers) == {"If-None-Match": part.tag}
    assert "hx-headers=" in str(part)
    assert "hx-get" not in str(live(active=False))


def test_nothing_is_sent_while_nothing_changed():
    part = live()
    same = poll(part, part.tag)
    assert (same.status_code, same.content, same["ETag"]) == (304, b"", part.tag)
    changed = poll(live("<p>epoch 4/12</p>"), part.tag)
    assert changed.status_code == 200
    assert "epoch 4/12" in changed.content.decode()
    assert changed["ETag"] != part.tag


def test_the_last_answer_comes_even_when_the_words_are_the_same():
    part = live(active=False)
    assert poll(part, part.tag).status_code == 200


def test_the_whole_page_is_loaded_anew_with_the_last_answer_where_that_is_wanted():
    assert "HX-Refresh" not in poll(live(reload=True))
    assert "HX-Refresh" not in poll(live(active=False))
    assert poll(live(reload=True, active=False))["HX-Refresh"] == "true"


def test_other_parts_come_only_with_a_new_stage():
    part = live(state="b", others=[lambda: "<p>the rest</p>"])
    assert "the rest" in poll(part, live(state="a").tag).content.decode()
    assert "the rest" not in poll(part, live("<p>before</p>", state="b").tag).content.decode()
    assert "the rest" in poll(part).content.decode()


def test_what_varies_by_itself_is_no_change():
    first = '<input name="csrfmiddlewaretoken" value="abc"><time class="ago">1 minute ago</time>'
    again = '<input name="csrfmiddlewaretoken" value="def"><time class="ago">2 minutes ago</time>'
    assert live(first).tag == live(again).tag
    first, again = (f'<b data-since="x" data-ticks>{seconds} s</b>' for seconds in (1, 2))
    assert live(first).tag == live(again).tag


@pytest.fixture
def builds(settings):
    """How often a part was made, where one is shared for a while."""
    settings.LIVE_SHARED_SECONDS = 30
    cache.clear()
    yield []
    cache.clear()


def building(builds, **more):
    def build():
        builds.append(1)
        return live(**more)

    return build


def test_one_rendering_serves_all_who_may_see_the_same(builds):
    build = building(builds)
    first = respond(asking(), build)
    assert respond(asking(first["ETag"]), build).status_code == 304
    assert respond(asking(live("<p>epoch 2/12</p>").tag), build).content == first.content
    assert len(builds) == 1


@pytest.mark.parametrize("other", [{"role": "admin"}, {"language": "zh-hans"}, {"team": 2}])
def test_another_role_language_or_team_has_a_rendering_of_its_own(builds, other):
    build = building(builds)
    respond(asking(), build)
    respond(asking(**other), build)
    assert len(builds) == 2


def test_who_needs_the_other_parts_gets_them_made(builds):
    build = building(builds, others=[lambda: "<p>the rest</p>"])
    assert "the rest" in respond(asking(), build).content.decode()
    assert "the rest" in respond(asking(live(state="z").tag), build).content.decode()
    assert "the rest" not in respond(asking(live("<p>old</p>").tag), build).content.decode()
    assert len(builds) == 2


def test_forms_in_a_shared_rendering_hold_the_askers_own_token(builds):
    def build_for(request):
        form = Template("<form>{% csrf_token %}</form>").render(Context({"csrf_token": token_of(request)}))
        return lambda: live(form)

    def token_of(request):
        from django.middleware.csrf import get_token

        return get_token(request)

    alice, bob = asking(), asking(live("<p>old</p>").tag)
    first = respond(alice, build_for(alice)).content.decode()
    second = respond(bob, build_for(alice)).content.decode()
    assert alice.META["CSRF_COOKIE"] != bob.META["CSRF_COOKIE"]
    assert 'value=""' not in second
    assert first != second
