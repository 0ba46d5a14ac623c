"""The machine below every kind of channel: one event loop, one thread. Its names are private.

Reading order: waiters (who waits), gathering (who waits for a batch), loops (which event loop), closing (what can be
closed), ends (counted ends), resting (calls that let other tasks run), thresholds, machine (items, promises and
grants), operations (what select asks of a side), moments (what is waited for without taking anything). Of a Watch:
versions (its value, and who waits for the next one), observing (what select asks of it).

How it works. A waiter gets a wake-up, never an item. An item that is put while receivers wait is *promised* to the
first of them and stays in the buffer until the woken task takes it. A slot that becomes free while senders wait is
*granted* to the first of them and stays empty until the woken task fills it. A promise or a grant is a *claim*. So a
cancelled task holds nothing that could be lost: its claim passes on. Nobody else can take what is claimed, so a woken
task never waits again.

    state             what it is                                    who sets it
    buffer            every item accepted and not yet received      a put appends, a get takes
    receivers         the wait queue of gets and of selects         the call that waits enters; the call that wakes it
    senders           the wait queue of puts and of selects         removes it
    receivers.woken   how many items are promised                   `promise` adds; the woken get, or its giving
    senders.woken     how many slots are granted                    back, subtracts; `grant` and the put likewise
    receivers.further how many items gatherers ask for beyond one   a gatherer that enters, is promised, leaves
    bound             the capacity; below any number once closed    `_shut`
    put_below         a put appends at once below this length       see below
    get_above         a get takes at once above this length         see below

A put goes ahead while there is room:

    room = bound - granted slots + waiting receivers - unpromised items

where a gatherer, a get that waits for a batch, counts for each item that it still asks for. Once a gatherer has an item
it is promised the others in advance, but for the last one, so that their puts wake nobody: then more is promised than
there is, and the unpromised items count below zero, as room.

Three invariants hold whenever no method of the machine is running:

    1. an unpromised item and a waiting receiver never coexist;
    2. room and a waiting sender never coexist;
    3. receivers of a closed channel wait only while promised items remain, since a promise can come back.

Two thresholds keep each fast path to one comparison: a put appends while `len(buffer) < put_below`, a get takes while
`len(buffer) > get_above`. Both err on the safe side: `put_below` is never above `bound - granted`, and `get_above`
never below `promised`. Whatever could make the fast path wrong (a task starts to wait, a slot is granted, an item is
promised, the channel closes) shuts it, by `SLOW_PUT` or `SLOW_GET`. The next slow call that finds nobody to wake opens
it again, for `BUDGET` items: an awaited call that comes to the end of that lets other tasks run. So does a put after
each `BUDGET` items for one gatherer, by `SPENT_PUT`; else its time could not be up.

Interruptions. CPython runs a signal handler, and the collector its finalizers, after a call, on entry to a function and
where a loop turns. They may close the channel, put, get, or raise. So:

    a step changes what it decides in one go, without a call in between: an item is appended before it is promised, and
    a waiter is woken in the statement after it was removed;
    a call that has to wait allocates first, enters the wait queue, and then looks again if somebody has stirred the
    channel meanwhile (`STIRRED_PUT`, `STIRRED_GET`): each step that may leave an item or room does;
    a step that opens a fast path looks once more whether somebody waits;
    a call that has changed something, and in which a handler raises, restores the invariants before it raises on:
    `_settle` wakes whoever can go ahead, from any state, and may be called again.

The event loop. Before it changes anything, every operation that may wake a task asks whether it runs in the channel's
event loop, and calls `_check_loop` if it does not. That forgets the waiters of a loop that was closed, or that runs in
the process from which this one was forked, and refuses to wake a task from another thread.
"""
