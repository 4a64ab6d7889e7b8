"""The documentation of the API comes from our own server and has nothing inline."""

import re

from django.contrib.staticfiles import finders
from django.test import Client


def test_a_signed_in_person_reads_it_and_nobody_else(alice):
    browser = Client()
    assert browser.get("/api/v1/docs/").status_code == 302
    browser.force_login(alice)
    page = browser.get("/api/v1/docs/")
    text = page.content.decode()
    assert page.status_code == 200
    assert 'data-schema="/api/v1/schema/?format=json"' in text
    assert "unsafe" not in page["Content-Security-Policy"]


def test_everything_it_loads_is_ours(alice):
    browser = Client()
    browser.force_login(alice)
    text = browser.get("/api/v1/docs/").content.decode()
    loaded = re.findall(r'(?:src|href)="(/static/[^"]+)"', text)
    assert any("swagger-ui-bundle.js" in path for path in loaded)
    assert [path for path in loaded if finders.find(path.removeprefix("/static/")) is None] == []
    assert not re.search(r'<(?:script|link)[^>]+(?:src|href)="(?:https?:)?//', text)
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text)


def test_the_menu_leads_there(alice):
    browser = Client()
    browser.force_login(alice)
    assert 'href="/api/v1/docs/"' in browser.get("/").content.decode()
