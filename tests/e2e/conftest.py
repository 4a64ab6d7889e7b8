"""A headless Chromium, and a thread that runs queued jobs as the workers would."""

import os
import shutil

import pytest

from tests.background import Worker
from tests.conftest import PASSWORD
from tests.e2e import boards

PATIENCE_MS = 90_000  # the machine may be busy; nothing here is a measurement
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
# The camera is made of software; a page gets it only where a test grants it.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--use-fake-device-for-media-stream"]
# Playwright's synchronous API keeps an event loop in this thread; the ORM is used between its calls only.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture
def worker(live_server, monkeypatch):
    boards.install(monkeypatch)
    thread = Worker()
    thread.start()
    yield thread
    thread.stop()


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser, live_server, people):
    """Call it for a page on which Alice has signed in; what the console complains of fails the test.

    ``expected`` are parts of complaints that a test brings about on purpose.
    """
    contexts, complaints = [], []
    # A refused form is answered with 422 on purpose, and the browser logs that.
    on_purpose = ["status of 422"]

    def start(*, expected=(), **options):
        on_purpose.extend(expected)
        context = browser.new_context(base_url=live_server.url, **options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/sign-in/")
        page.fill("#id_username", "alice")
        page.fill("#id_password", PASSWORD)
        page.click("main button")
        page.wait_for_selector("nav")
        return page

    yield start
    for context in contexts:
        context.close()
    assert [text for text in complaints if not any(part in text for part in on_purpose)] == []
