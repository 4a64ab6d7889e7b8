"""The ASGI application: decides about a request's body, then passes the request to Django."""

from __future__ import annotations

import io
import logging

from portal.core.bodies import most_bytes
from portal.ops.front import limits, refusals
from portal.ops.front.asked import Asked
from portal.ops.front.bodies import Body, Receive, buffered
from portal.ops.front.bridge import Answer, Bridge, Watched
from portal.ops.front.callers import Callers
from portal.ops.front.exchange import Exchange
from portal.ops.front.refusals import Gone, Refusal
from portal.ops.front.relays import Relays
from portal.ops.front.slots import Overloaded, Slots, Threads, Ticket

logger = logging.getLogger(__name__)


class Guard:
    """The guard of one WSGI application."""

    def __init__(self, application):
        threads = Threads(limits.PAGE_THREADS + limits.STREAM_THREADS, "front")
        self._bridge, self._threads = Bridge(application, threads), threads
        self._pages = Slots(limits.PAGE_THREADS, queue=limits.QUEUE)
        self._streams = Slots(limits.STREAM_THREADS, queue=limits.QUEUE, per_key=limits.STREAMS_PER_PERSON)
        self._buffers = Slots(limits.BUFFERS, queue=limits.QUEUE, per_key=limits.BUFFERS_PER_PERSON)
        self._callers = Callers()
        self._relays = Relays()
        self._bodies: set[Body] = set()

    async def __call__(self, scope: dict, receive: Receive, send) -> None:
        exchange = Exchange(Asked(scope), send)
        try:
            exchange.asked.check()
            await self._answer(exchange, receive)
        except Refusal as refusal:
            await exchange.refuse(refusal)
        except Gone:
            exchange.leave()
        except Overloaded:
            await exchange.refuse(refusals.busy(5))
        except Exception as error:
            logger.exception("the front could not answer")
            await exchange.give_up(error)
        finally:
            exchange.log()

    def stop(self) -> None:
        """On shutdown, let the threads that read bodies keep what has arrived, and watchers go."""
        self._relays.stop()
        for body in list(self._bodies):
            body.end()

    async def _answer(self, exchange: Exchange, receive: Receive) -> None:
        asked = exchange.asked
        if not asked.is_chunked and not asked.length:
            return await self._whole(exchange, receive, 0, None)
        largest = most_bytes(asked.scope["path"], asked.method)
        most = limits.WHOLE_BODY if largest is None else largest
        if asked.length > most:
            raise refusals.too_large(most, asked.scope["path"] if largest is None else "")
        person = None
        if asked.is_chunked or asked.length > limits.STRANGERS_BODY:
            person = await self._person(asked)
        if person is None:
            most = min(most, limits.STRANGERS_BODY)
        if (
            largest is not None
            and person is not None
            and (asked.is_chunked or asked.length > limits.WHOLE_BODY)
        ):
            await self._streamed(exchange, person, most)
        else:
            await self._whole(exchange, receive, min(most, limits.WHOLE_BODY), person)

    async def _person(self, asked: Asked) -> int | None:
        """The sender of a large body. Raises Refusal for an anonymous one; None for an anonymous chunked
        body.
        """
        found = self._callers.remembered(asked)
        if found is None:
            ticket = await self._pages.take(self._share(asked), limits.QUEUE_SECONDS)
            try:
                found = await self._threads.run(self._callers.judge, asked)
            finally:
                ticket.release()
        if isinstance(found, Refusal):
            if asked.is_chunked and "HTTP_AUTHORIZATION" not in asked.headers:
                return None
            raise found
        return found

    def _share(self, asked: Asked) -> tuple[str, int]:
        return asked.address, self._callers.key(asked)[0] % limits.SHARES_PER_ADDRESS

    async def _whole(
        self, exchange: Exchange, receive: Receive, most: int, person: int | None = None
    ) -> None:
        asked, data = exchange.asked, b""
        buffer = await self._buffers.take(person, limits.STREAM_QUEUE_SECONDS) if person else None
        try:
            if asked.is_chunked or asked.length:
                data = await buffered(receive, asked.scope["slipway.connection"], most)
            answer = await self._in_page_thread(exchange, data)
        finally:
            if buffer:
                buffer.release()
        if isinstance(answer.body, Watched):
            await self._relays.send(exchange, answer, self._callers.key(asked))
        else:
            await self._bridge.send(exchange, answer)

    async def _in_page_thread(self, exchange: Exchange, data: bytes) -> Answer:
        asked = exchange.asked
        ticket = await self._pages.take(self._share(asked), limits.QUEUE_SECONDS)
        try:
            return await self._bridge.answer(
                exchange, io.BytesIO(data), len(data), lambda: self._become_stream(ticket, asked)
            )
        finally:
            ticket.release()

    async def _become_stream(self, ticket: Ticket, asked: Asked) -> None:
        other = await self._streams.take(self._callers.key(asked), limits.STREAM_QUEUE_SECONDS)
        ticket.exchange(other)

    async def _streamed(self, exchange: Exchange, person: int, most: int) -> None:
        connection = exchange.asked.scope["slipway.connection"]
        length = None if exchange.asked.is_chunked else exchange.asked.length
        ticket = await self._streams.take(person, limits.STREAM_QUEUE_SECONDS)
        try:
            if exchange.is_gone:
                raise Gone
            body = connection.take_body(length, most)
            self._bodies.add(body)
            try:
                answer = await self._bridge.answer(exchange, body, length, _is_stream)
            finally:
                self._bodies.discard(body)
                exchange.must_close = not body.is_whole
                connection.release_body(body)
        finally:
            ticket.release()
        await self._bridge.send(exchange, answer)


async def _is_stream() -> None:
    """A streaming body has a slot of its own already."""
