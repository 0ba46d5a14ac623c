"""Small programs with a fault, and small programs without one.

The faults are those that were found in asyncio and in libraries over it, each in a copy that has nothing else. Each is
to be found within a number of schedules, with what is said of it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager, suppress
from typing import NamedTuple, TypeVar

from typing_extensions import override

from aiochannel import Channel, ChannelClosed, Receiver, Sender, merge, select
from aiochannel.testing import Run

T = TypeVar("T")
Future = asyncio.Future
Program = Callable[[Run], None]


class Faulty(NamedTuple):
    program: Program
    within: int
    """How many schedules it may take to find the fault."""
    says: str
    """What one of the findings begins with."""
    cancellations: int = 1
    swallowing: bool = True


def wait() -> Future[None]:
    return asyncio.get_running_loop().create_future()


def wake_first(waiters: deque[Future[None]]) -> None:
    while waiters:
        waiter = waiters.popleft()
        if not waiter.done():
            waiter.set_result(None)
            return


# Wake-ups that are lost with the task that was woken.


class LosingSemaphore:
    """Wakes the first waiter; one that is cancelled after that takes the wake-up with it."""

    def __init__(self, value: int) -> None:
        self.value = value
        self.waiters: deque[Future[None]] = deque()

    async def acquire(self) -> None:
        while self.value <= 0:
            waiter = wait()
            self.waiters.append(waiter)
            await waiter
        self.value -= 1

    def release(self) -> None:
        self.value += 1
        wake_first(self.waiters)


def semaphore(run: Run) -> None:
    free = LosingSemaphore(1)

    async def work() -> None:
        await free.acquire()
        try:
            await run.outside(None)
        finally:
            free.release()

    for name in "ABC":
        run.actor(name, work)


class LosingCondition:
    """Waits for the lock again once it is notified; one that is cancelled there does not pass the notification on."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.waiters: deque[Future[None]] = deque()

    async def wait(self) -> None:
        self.lock.release()
        waiter = wait()
        self.waiters.append(waiter)
        try:
            await waiter
        finally:
            while True:
                try:
                    await self.lock.acquire()
                    break
                except asyncio.CancelledError:
                    pass

    def notify(self) -> None:
        wake_first(self.waiters)


def condition(run: Run) -> None:
    changed, items = LosingCondition(), list[int]()

    async def consume() -> None:
        async with changed.lock:
            while not items:
                await changed.wait()
            items.pop()
            if items:
                changed.notify()

    def produce() -> None:
        items.extend([1, 2])
        changed.notify()

    run.actor("A", consume)
    run.actor("B", consume)
    run.event("two items", produce)


class Slots:
    """Connections up to a limit. A release wakes a waiter, who then looks for itself."""

    def __init__(self, limit: int) -> None:
        self.free = limit
        self.waiters: deque[Future[None]] = deque()

    async def take(self) -> None:
        if self.free == 0 or self.waiters:
            waiter = wait()
            self.waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                with suppress(ValueError):
                    self.waiters.remove(waiter)
                raise
        self.free -= 1

    def give_back(self) -> None:
        self.free += 1
        wake_first(self.waiters)


def connector(run: Run) -> None:
    slots = Slots(1)

    async def request() -> None:
        await slots.take()
        try:
            await run.outside(None)
        finally:
            slots.give_back()

    for name in "ABC":
        run.actor(name, request)


class Stream(NamedTuple):
    """Hands an item to the receiver that waits; one that is cancelled then takes the item with it."""

    items: deque[int]
    receivers: deque[Future[int]]

    def send(self, item: int) -> None:
        while self.receivers:
            receiver = self.receivers.popleft()
            if not receiver.done():
                receiver.set_result(item)
                return
        self.items.append(item)

    async def receive(self) -> int:
        if self.items:
            return self.items.popleft()
        receiver: Future[int] = asyncio.get_running_loop().create_future()
        self.receivers.append(receiver)
        return await receiver


def stream(run: Run) -> None:
    items = Stream(deque(), deque())
    got: list[int] = []

    async def get() -> None:
        got.append(await items.receive())

    run.actor("G", get)
    run.event("put", lambda: items.send(1))
    run.at_rest(lambda: len(got) + len(items.items) == 1)


def condition_hands_over(run: Run) -> None:
    """A notification goes to one waiter; if that is cancelled before it runs, nobody else hears of it."""
    events, items = deque[asyncio.Event](), list[int]()

    def notify() -> None:
        if items and events:
            events.popleft().set()

    async def consume() -> None:
        while not items:
            event = asyncio.Event()
            events.append(event)
            try:
                await event.wait()
            except asyncio.CancelledError:
                if not event.is_set():
                    events.remove(event)
                raise
        items.pop()
        notify()

    def produce() -> None:
        items.extend([1, 2])
        notify()

    run.actor("A", consume)
    run.actor("B", consume)
    run.event("two items", produce)


# Cancels that are swallowed.


async def swallowing_wait_for(awaitable: Awaitable[T], seconds: float) -> T:
    """Returns what is done already, when it is cancelled."""
    task = asyncio.ensure_future(awaitable)
    try:
        await asyncio.wait([task], timeout=seconds)
    except asyncio.CancelledError:
        if task.done():
            return task.result()
        task.cancel()
        raise
    return task.result()


def wait_for(run: Run) -> None:
    async def call() -> None:
        await swallowing_wait_for(asyncio.sleep(0), 5)

    run.actor("A", call)


async def hasty_wait_for(awaitable: Coroutine[object, object, T], seconds: float) -> T:
    """Waits for the task that it cancels; if it is cancelled itself when the time is up, it does not."""
    task = asyncio.create_task(awaitable)
    try:
        done, _ = await asyncio.wait([task], timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait([task])
        raise
    if not done:
        task.cancel()
        await asyncio.wait([task])
        raise TimeoutError
    return task.result()


def wait_for_condition(run: Run) -> None:
    changed = asyncio.Condition()

    async def listen() -> None:
        with suppress(TimeoutError):
            async with changed:
                await hasty_wait_for(changed.wait(), 5)

    async def hold() -> None:
        async with changed:
            await run.outside(None)

    run.actor("A", listen)
    run.actor("B", hold)


class SwallowingGroup:
    """Cancels its parent when a child fails, and takes every cancel of its parent for its own."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[None]] = set()
        self.errors: list[BaseException] = []
        self.parent = asyncio.current_task()
        self.waiter: Future[None] | None = None

    def start(self, coroutine: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.end)

    def end(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.errors.append(error)
        if not self.tasks and self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    async def join(self) -> None:
        while self.tasks:
            self.waiter = wait()
            try:
                await self.waiter
            except asyncio.CancelledError:
                if not self.errors:
                    for task in self.tasks:
                        task.cancel()
        if self.errors:
            raise self.errors[0]


def group(run: Run) -> None:
    async def fail() -> None:
        raise OSError("child")

    async def parent() -> None:
        tasks = SwallowingGroup()
        tasks.start(fail())
        with suppress(OSError):
            await tasks.join()

    run.actor("P", parent)


# What a cancelled call leaves behind.


def answer_of_another(run: Run) -> None:
    """A connection goes back to the pool while an answer is under way on it."""
    requests: list[str] = []
    connection = asyncio.Lock()
    told: dict[str, str] = {}

    async def ask(name: str) -> None:
        async with connection:
            requests.append(name)
            await run.outside(None)
            told[name] = requests.pop(0)

    run.actor("A", lambda: ask("A"))
    run.actor("B", lambda: ask("B"))
    run.at_rest(lambda: all(name == answer for name, answer in told.items()))


def slot_between_two_steps(run: Run) -> None:
    """A slot is taken in one step, and the block that gives it back begins in a later one."""
    slots = asyncio.Semaphore(1)

    async def connect() -> None:
        await slots.acquire()
        await asyncio.sleep(0)

    async def request() -> None:
        await connect()
        try:
            await run.outside(None)
        finally:
            slots.release()

    run.actor("A", request)
    run.actor("B", request)


def release_waits_for_a_lock(run: Run) -> None:
    """To give back what was taken waits for a lock, and can be cancelled there."""
    lock, used = asyncio.Lock(), set[str]()

    async def request(name: str) -> None:
        used.add(name)
        async with lock:
            used.discard(name)
            await run.outside(None)  # closes another connection

    run.actor("A", lambda: request("A"))
    run.actor("B", lambda: request("B"))
    run.at_rest(lambda: not used)


def closed_connection_wakes_nobody(run: Run) -> None:
    """A connection that was closed, since its query was cancelled, is given back without waking a waiter."""
    free, waiters = [1], deque[Future[None]]()

    async def query() -> None:
        while not free:
            waiters.append(wait())
            await waiters[-1]
        connection = free.pop()
        closed = False
        try:
            await run.outside(None)
        except asyncio.CancelledError:
            closed = True
            raise
        finally:
            free.append(connection)
            if not closed:
                wake_first(waiters)

    run.actor("A", query)
    run.actor("B", query)


# Caches of what is being loaded.


class Cache:
    """Shares a load among all that ask for it; the last one that gives up cancels it."""

    def __init__(self, load: Callable[[], Coroutine[object, object, int]]) -> None:
        self.load = load
        self.entry: tuple[asyncio.Task[int], list[int]] | None = None

    async def get(self) -> int:
        if self.entry is None:
            task = asyncio.create_task(self.load())
            self.entry = task, [0]
            task.add_done_callback(self.forget)
        task, waiting = self.entry
        waiting[0] += 1
        try:
            await asyncio.wait([task])
            return task.result()
        except asyncio.CancelledError:
            waiting[0] -= 1
            if waiting[0] == 0:
                task.cancel()
                self.entry = None
            raise

    def forget(self, task: asyncio.Task[int]) -> None:
        self.entry = None  # whoever's it is by now


def cache_forgets_another(run: Run) -> None:
    loading = [0]

    async def load() -> int:
        loading[0] += 1
        try:
            return await run.outside(1, "load")
        finally:
            loading[0] -= 1

    cache = Cache(load)
    for name in "ABC":
        run.actor(name, cache.get)
    run.always(lambda: loading[0] <= 1)


def cache_forgets_the_newer(run: Run) -> None:
    """A load that was invalidated fails later, and removes the value that came since."""
    cache: dict[str, int] = {}
    versions = iter((1, 2))

    async def get() -> None:
        version = next(versions)
        cache["key"] = version
        await run.outside(None)
        if version == 1:  # invalidated
            del cache["key"]

    async def invalidate() -> None:
        await get()

    run.actor("A", get)
    run.actor("B", invalidate)
    run.at_rest(lambda: cache == {"key": 2})


def shared_future(run: Run) -> None:
    """All who ask for a key await one future: the first that is cancelled cancels it for all."""
    answer: list[Future[int]] = []

    async def load() -> int:
        if not answer:
            answer.append(asyncio.ensure_future(run.outside(1, "load")))
        return await answer[0]

    run.actor("A", load)
    run.actor("B", load)


def cancelled_load_is_kept(run: Run) -> None:
    """What a load ended with is kept, and was a cancel."""
    kept: list[asyncio.Task[None]] = []

    async def load() -> None:
        raise asyncio.CancelledError

    async def get() -> None:
        if not kept:
            kept.append(asyncio.create_task(load()))
        await asyncio.wait(kept)
        kept[0].exception()

    run.actor("A", get)


# Locks.


class ReadWriteLock:
    """Readers wait behind a writer that waits; one that gives up does not wake them."""

    def __init__(self) -> None:
        self.readers = 0
        self.writing = False
        self.waiters: deque[tuple[str, Future[None]]] = deque()

    def wake(self) -> None:
        while self.waiters and not self.writing:
            kind, waiter = self.waiters[0]
            if kind == "write" and self.readers:
                return
            self.waiters.popleft()
            if not waiter.done():
                self.readers += kind == "read"
                self.writing = kind == "write"
                waiter.set_result(None)

    async def acquire(self, kind: str) -> None:
        waiter = wait()
        self.waiters.append((kind, waiter))
        if len(self.waiters) == 1:
            self.wake()
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.cancelled():
                self.waiters.remove((kind, waiter))
            else:
                self.release(kind)
            raise

    def release(self, kind: str) -> None:
        self.readers -= kind == "read"
        self.writing = self.writing and kind != "write"
        self.wake()


def writer_gives_up(run: Run) -> None:
    held = ReadWriteLock()

    async def use(kind: str) -> None:
        await held.acquire(kind)
        try:
            await run.outside(None)
        finally:
            held.release(kind)

    run.actor("R", lambda: use("read"))
    run.actor("W", lambda: use("write"))
    run.actor("S", lambda: use("read"))
    run.always(lambda: held.writing or not held.waiters or held.waiters[0][0] == "write")


def lost_update(run: Run) -> None:
    total = [0]

    async def add() -> None:
        before = total[0]
        await run.outside(None)
        total[0] = before + 1

    run.actor("A", add)
    run.actor("B", add)
    run.at_rest(lambda: total == [2])


def lock_order(run: Run) -> None:
    first, second = asyncio.Lock(), asyncio.Lock()

    async def take(one: asyncio.Lock, other: asyncio.Lock) -> None:
        async with one:
            await run.outside(None)
            async with other:
                pass

    run.actor("A", lambda: take(first, second))
    run.actor("B", lambda: take(second, first))


# Channels that nobody closes.


def results_read_too_late(run: Run) -> None:
    async def main() -> None:
        results = Channel[int](1)

        async def work() -> None:
            for number in range(3):
                await results.put(number)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(work())
        async for _ in results:
            pass

    run.actor("main", main)


def nobody_closes(run: Run) -> None:
    numbers = Channel[int](1)

    async def produce() -> None:
        for number in range(2):
            await numbers.put(number)
        numbers.close()

    async def consume() -> None:
        async for _ in numbers:
            pass

    run.actor("producer", produce)
    run.actor("consumer", consume)


def one_end_counted(run: Run) -> None:
    """The senders' end is counted, so that the receiver stops; the receivers' is not, so the sender does not."""
    numbers, tasks = Channel[int](1), list[asyncio.Task[None]]()

    async def produce(end: AbstractContextManager[Sender[int]]) -> None:
        with end as tx:
            for number in range(3):
                await tx.put(number)

    async def consume() -> None:
        async for _ in numbers:
            await run.outside(None)

    tasks.append(asyncio.get_running_loop().create_task(produce(numbers.open_sender()), name="producer"))
    run.actor("consumer", consume)


# Right programs.


def three_together(run: Run) -> None:
    """Has more schedules than a test plays."""

    async def ask() -> None:
        await run.outside(None)
        await run.outside(None)

    for name in "ABC":
        run.actor(name, ask)


def lock(run: Run) -> None:
    held, inside = asyncio.Lock(), [0]

    async def work() -> None:
        async with held:
            inside[0] += 1
            try:
                await run.outside(None)
            finally:
                inside[0] -= 1

    run.actor("A", work)
    run.actor("B", work)
    run.always(lambda: inside[0] == held.locked())


class PassingSemaphore(LosingSemaphore):
    """Passes a wake-up on."""

    @override
    async def acquire(self) -> None:
        while self.value <= 0:
            waiter = wait()
            self.waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if self.value > 0 and not waiter.cancelled():
                    wake_first(self.waiters)
                raise
        self.value -= 1


def passing_semaphore(run: Run) -> None:
    free = PassingSemaphore(1)

    async def work() -> None:
        await free.acquire()
        try:
            await run.outside(None)
        finally:
            free.release()

    for name in "ABC":
        run.actor(name, work)


def event(run: Run) -> None:
    came = asyncio.Event()

    async def work() -> None:
        await came.wait()

    for name in "ABC":
        run.actor(name, work)
    run.event("it comes", came.set)


def pipeline(run: Run) -> None:
    """One task owns both ends, and its children do not outlive it."""

    async def main() -> None:
        numbers = Channel[int](1)

        async def produce() -> None:
            for number in range(2):
                await numbers.put(number)
            numbers.close()

        async def consume() -> None:
            async for _ in numbers:
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(produce())
            tasks.create_task(consume())

    run.actor("main", main)


def both_ends_counted(run: Run) -> None:
    """Each side stops when the other has gone, however it went."""
    numbers = Channel[int](1)

    async def produce() -> None:
        try:
            for number in range(3):
                await numbers.put(number)
        except ChannelClosed:
            pass

    async def consume() -> None:
        async for _ in numbers:
            pass

    def begin(function: Callable[[], Coroutine[object, object, None]]) -> Callable[[], Coroutine[object, object, None]]:
        async def run_it() -> None:
            task = asyncio.create_task(function())
            task.add_done_callback(lambda _: numbers.close())
            try:
                await task
            finally:
                numbers.close()

        return run_it

    for name, function in (("producer", produce), ("consumer", consume)):
        run.actor(name, begin(function))
    run.event("shut down", numbers.close)


def select_with_timeout(run: Run) -> None:
    words, numbers = Channel[str](1), Channel[int](1)
    got: list[object] = []

    async def choose() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                _, value = await select(words.on_get(), numbers.on_get())
                got.append(value)

    run.actor("A", choose)
    run.event("word", lambda: words.put_nowait("word"))
    run.event("number", lambda: numbers.put_nowait(1))
    run.at_rest(lambda: words.qsize() + numbers.qsize() + len(got) == 2)


def rendezvous(run: Run) -> None:
    """An item whose put returned is with the receiver, or in the channel if the receiver gave up."""
    meeting, sent, got = Channel[int].rendezvous(), list[int](), list[int]()

    async def put() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await meeting.put(1)
                sent.append(1)

    async def get() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                got.append(await meeting.get())

    run.actor("P", put)
    run.actor("G", get)
    run.at_rest(lambda: len(got) + meeting.qsize() == len(sent))


def request_and_reply(run: Run) -> None:
    requests = Channel[tuple[int, Sender[int]]](1)

    async def serve() -> None:
        async for number, replies in requests:
            with suppress(ChannelClosed):
                replies.put_nowait(number + 1)

    async def ask() -> None:
        reply = Channel[int](1)
        try:
            await requests.put((1, reply.sender))
            assert await reply.get() == 2
        finally:
            reply.close()

    async def stop() -> None:
        requests.close()
        await server

    server = asyncio.get_running_loop().create_task(serve())
    run.actor("A", ask)
    run.actor("B", ask)
    run.afterwards(stop)


def worker_pool(run: Run) -> None:
    jobs, done = Channel[int](2), list[int]()

    async def work(end: AbstractContextManager[Receiver[int]]) -> None:
        with end as receiver:
            async for job in receiver:
                await asyncio.sleep(0)
                done.append(job)

    async def main() -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(2):
                tasks.create_task(work(jobs.open_receiver()))
            for job in range(2):
                await jobs.put(job)
            jobs.close()

    run.actor("main", main)


def passing_condition(run: Run) -> None:
    """What `Condition` has been since 3.13: one that is cancelled after it was notified notifies another."""
    waiters, items = deque[Future[None]](), list[int]()

    async def consume() -> None:
        while not items:
            waiter = wait()
            waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if not waiter.cancelled():
                    wake_first(waiters)
                raise
        items.pop()
        if items:
            wake_first(waiters)

    def produce() -> None:
        items.extend([1, 2])
        wake_first(waiters)

    run.actor("A", consume)
    run.actor("B", consume)
    run.event("two items", produce)


def merged(run: Run) -> None:
    first, second, got = Channel[int](1), Channel[int](1), list[int]()

    async def read() -> None:
        async for number in merge(first, second):
            got.append(number)

    def put(channel: Channel[int]) -> None:
        channel.put_nowait(1)
        channel.close()

    run.actor("R", read)
    run.event("first", lambda: put(first))
    run.event("second", lambda: put(second))
    run.at_rest(lambda: len(got) + first.qsize() + second.qsize() == 2)


RIGHT = [
    lock, passing_semaphore, passing_condition, event, pipeline, both_ends_counted, select_with_timeout, rendezvous,
    request_and_reply, worker_pool, merged,
]  # fmt: skip


FAULTY = {
    "Semaphore (bpo-45997)": Faulty(semaphore, 30, "C waits at"),
    "Condition (gh-112202)": Faulty(condition, 14, "B waits at"),
    "wait_for (gh-86296)": Faulty(wait_for, 7, "A was cancelled, and did not", swallowing=False),
    "wait_for of a condition (gh-86766)": Faulty(wait_for_condition, 114, "A raised RuntimeError"),
    "TaskGroup, outer cancel": Faulty(group, 8, "P was cancelled, and did not", swallowing=False),
    "redis-py #2624": Faulty(answer_of_another, 9, "at rest"),
    "httpcore #1093": Faulty(slot_between_two_steps, 14, "B waits at"),
    "lost update": Faulty(lost_update, 1, "at rest"),
    "lock order": Faulty(lock_order, 1, "A waits at"),
    "aiohttp connector": Faulty(connector, 30, "C waits at"),
    "redis pool, release": Faulty(release_waits_for_a_lock, 29, "at rest"),
    "aiomysql pool": Faulty(closed_connection_wakes_nobody, 13, "B waits at"),
    "async-lru, entry of another": Faulty(cache_forgets_another, 238, "always"),
    "async-lru, newer value": Faulty(cache_forgets_the_newer, 1, "at rest"),
    "aiodataloader": Faulty(shared_future, 5, "B ended with CancelledError"),
    "cachetools-async": Faulty(cancelled_load_is_kept, 1, "A ended with CancelledError"),
    "aiorwlock": Faulty(writer_gives_up, 64, "always"),
    "anyio stream": Faulty(stream, 14, "at rest"),
    "anyio Condition (#1075)": Faulty(condition_hands_over, 25, "B waits at"),
    "results read too late": Faulty(results_read_too_late, 1, "main waits at"),
    "nobody closes": Faulty(nobody_closes, 5, "consumer waits at"),
    "one end counted": Faulty(one_end_counted, 9, "producer waits at"),
}
