"""Turns at the threads: bounded, fair, and never lost."""

import asyncio

import pytest

from portal.ops.front.slots import Overloaded, Slots, Threads
from tests import loops

PATIENCE = 30.0


def test_whoever_asks_most_does_not_wait_least():
    async def order() -> list[str]:
        slots, served = Slots(1, queue=100), []

        async def ask(key: str) -> None:
            ticket = await slots.take(key, PATIENCE)
            served.append(key)
            await asyncio.sleep(0)
            ticket.release()

        first = await slots.take("a", PATIENCE)
        tasks = [asyncio.create_task(ask("greedy")) for _ in range(10)]
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(ask("modest")))
        await asyncio.sleep(0)
        first.release()
        await asyncio.gather(*tasks)
        return served

    assert "modest" in loops.run(order())[:2]


def test_a_key_holds_no_more_than_its_part_and_others_pass_it():
    async def run() -> None:
        slots = Slots(4, queue=10, per_key=2)
        mine = [await slots.take("a", PATIENCE) for _ in range(2)]
        third = asyncio.create_task(slots.take("a", PATIENCE))
        await asyncio.sleep(0)
        await slots.take("b", PATIENCE)
        assert not third.done()
        mine[0].release()
        await third

    loops.run(run())


def test_it_refuses_who_would_wait_behind_too_many_or_too_long():
    async def run() -> None:
        slots = Slots(1, queue=1)
        ticket = await slots.take("a", PATIENCE)
        waiting = asyncio.create_task(slots.take("b", 0.2))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await slots.take("c", PATIENCE)
        with pytest.raises(Overloaded):
            await waiting
        ticket.release()
        ticket.release()  # a second time gives nothing back
        await slots.take("d", PATIENCE)
        with pytest.raises(Overloaded):
            await slots.take("e", 0.01)

    loops.run(run())


def test_a_turn_is_not_lost_when_its_owner_is_cancelled():
    async def run() -> None:
        slots = Slots(1, queue=10)
        ticket = await slots.take("a", PATIENCE)
        waiting = asyncio.create_task(slots.take("b", PATIENCE))
        await asyncio.sleep(0)
        ticket.release()  # grants the turn, and at once:
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await slots.take("c", PATIENCE)

    loops.run(run())


def test_a_turn_changes_from_one_kind_to_another():
    async def run() -> None:
        pages, streams = Slots(1, queue=1), Slots(1, queue=1)
        ticket = await pages.take("a", PATIENCE)
        ticket.exchange(await streams.take("a", PATIENCE))
        (await pages.take("b", PATIENCE)).release()
        with pytest.raises(Overloaded):
            await streams.take("b", 0.01)
        ticket.release()
        await streams.take("b", PATIENCE)

    loops.run(run())


def test_threads_give_back_what_is_returned_and_what_is_raised():
    async def run() -> None:
        threads = Threads(2, "test")
        assert await asyncio.gather(*(threads.run(pow, 2, n) for n in range(5))) == [1, 2, 4, 8, 16]
        with pytest.raises(ZeroDivisionError):
            await threads.run(lambda: 1 / 0)

    loops.run(run())
