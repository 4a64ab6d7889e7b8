"""What stands between the network and Django, in the same process: an event loop before the threads.

Django's views run in threads, and a thread that waits for a stranger's next byte is lost to everybody else.
So the loop (uvicorn) does all the waiting: for heads of requests, for small bodies, for readers of answers.
A thread is taken once there is work for it. Everything from outside has a bound and a deadline
(``limits.py``). A large body is judged before it is read: only a signed-in person may send one, only to an
address that takes one, and it streams in a thread of a pool of its own, so that pages are answered whatever
uploads do.

Why not a proxy in front: ``make serve`` must hold by itself, with nothing to install. Why a bridge of our own
from ASGI to WSGI (``bridge.py``): those that exist know no deadline, spool no less, and keep a thread for a
slow reader. Why not Django's own ASGI handler: it spools a whole body before a view sees it, and runs all
synchronous views of a request in one more thread each.

- ``connection.py``, ``keeper.py``: one connection, and all of them: bounds, deadlines, lingering close.
- ``guard.py``: the ASGI application; decides about the body of a request.
- ``bodies.py``: bodies, buffered whole or streamed to a thread.
- ``callers.py``: whether somebody is signed in, before the body is read.
- ``slots.py``, ``bridge.py``: turns at the threads, and Django's WSGI application in one of them.
- ``exchange.py``, ``refusals.py``, ``accesslog.py``: the answer, refusals, one line for each request.
"""
