"""A small web server that webhooks call, and a webhook that does."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network

import pytest

from portal.core import broker
from portal.notify import tasks, webhooks
from portal.notify.events import WEBHOOK_EVENTS
from portal.teams.models import Membership, Role, User


class Listener:
    """Answers every POST as it is told to and remembers what came."""

    def __init__(self):
        self.calls, self.status, self.headers, self.body, self.before = [], 200, {}, b"thanks", None
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.calls.append((self.path, dict(self.headers), body))
                if listener.before:
                    listener.before(self)
                self.send_response(listener.status)
                for name, value in listener.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(listener.body)

            do_GET = do_POST

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def url(self, host="127.0.0.1", path="/hook"):
        return f"http://{host}:{self.port}{path}"

    def bodies(self):
        return [json.loads(body) for _, _, body in self.calls]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def listener():
    running = Listener()
    yield running
    running.close()


@pytest.fixture
def loopback(settings):
    """The administrator of the server lets webhooks reach this machine."""
    settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8"), ip_network("::1/128")]


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """No broker: a message is worked on where it is sent."""
    at_once = {f"portal.notify.tasks.{task}": getattr(tasks, task) for task in ("deliver", "send_mails")}
    monkeypatch.setattr(broker, "publish", lambda task, args, **options: at_once[task](*args))


@pytest.fixture
def dora(team):
    user = User.objects.create_user("dora", email="dora@example.org")
    Membership.objects.create(team=team, user=user, role=Role.ADMIN)
    return user


@pytest.fixture
def webhook(team, dora, listener, loopback):
    """Told of everything; ``webhook.shown`` is its secret."""
    made, secret = webhooks.make(team, dora, "Chat", listener.url(), WEBHOOK_EVENTS)
    made.shown = secret
    return made
