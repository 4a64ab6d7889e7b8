"""One web server process: ``python -m portal.ops.web``, with a listening socket as standard input.

Several of them share the socket. supervisord created it and restarts any process that dies: there is no
master process whose death would stop the server.
"""

from __future__ import annotations

import logging
import os
import resource
import socket
import sys
from importlib import import_module

import django
import uvicorn
from django.urls import get_resolver

from portal import machine

OPEN_FILES = 8192


class Server(uvicorn.Server):
    """Ends bodies that are being read before it waits for active requests."""

    async def shutdown(self, sockets=None) -> None:
        self.config.loaded_app.stop()
        await super().shutdown(sockets)


def application():
    """The guard with Django behind it; everything is loaded before the first request."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    import_module("portal.ops.static_files").make()  # before WhiteNoise reads them
    wsgi = import_module("portal.wsgi").application
    guard = import_module("portal.ops.front.guard")
    get_resolver().url_patterns  # noqa: B018
    return guard.Guard(wsgi)


def config(app) -> uvicorn.Config:
    from portal.ops.front import limits
    from portal.ops.front.connection import Connection

    return uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level=logging.ERROR,
        access_log=False,
        proxy_headers=False,  # Django and ``core.addresses`` know which proxies to trust
        server_header=False,
        timeout_keep_alive=int(limits.IDLE_SECONDS),
        timeout_graceful_shutdown=int(limits.STOP_SECONDS),
    )


def allow_many_connections() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def main() -> None:
    try:
        listening = socket.socket(fileno=os.dup(0))
    except OSError:
        sys.exit("Standard input must be a socket that listens: start the server with `make serve`.")
    allow_many_connections()
    machine.hide_process()
    Server(config(application())).run([listening])


if __name__ == "__main__":
    main()
