"""The front between network and Django, in the same process: an event loop before the threads.

Django's views run in threads, and a thread that waits for a client's next byte serves nobody else. So the
event loop (uvicorn) does all the waiting: for request heads, small bodies and slow readers of responses. A
thread is taken only when there is work for it. Everything from outside has a bound and a deadline
(``limits.py``). A large body is authorized before it is read: only from a signed-in person, only to a URL
that accepts one. It streams in a separate thread pool, so that pages respond whatever uploads do.

Why not a proxy in front: ``make serve`` must be robust by itself, with nothing to install. Why a separate
ASGI-to-WSGI bridge (``bridge.py``): existing ones have no deadlines, spool just as much, and block a thread
for a slow reader. Why not Django's ASGI handler: it spools a whole body before a view sees it, and runs the
synchronous views of a request in one more thread each.

- ``connection.py``, ``keeper.py``: one connection, and all of them: bounds, deadlines, lingering close.
- ``guard.py``: the ASGI application; decides about the body of a request.
- ``bodies.py``: bodies, buffered whole or streamed to a thread.
- ``callers.py``: whether the caller is signed in, before the body is read.
- ``slots.py``, ``bridge.py``: fair slots for the threads, and Django's WSGI application in one of them.
- ``exchange.py``, ``refusals.py``, ``accesslog.py``: responses, refusals, one log line per request.
"""
