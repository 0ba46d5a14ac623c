"""The machine below every kind of channel: one event loop, one thread. Its names are private.

Reading order: waiters (who waits), loops (which event loop), ends (which ends are open), machine (items, promises and
grants), operations (what select asks of a side).

How it works. A waiter gets a wake-up, never an item. An item that is put while receivers wait is *promised* to the
first of them and stays in the buffer until the woken task takes it. A slot that becomes free while senders wait is
*granted* to the first of them and stays empty until the woken task fills it. So a cancelled task holds nothing that
could be lost: its promise or grant passes on. Nobody else can take what is promised or granted, so a woken task never
waits again.

    state        what it is                                          who sets it
    buffer       every item that was accepted and not yet received   a put appends, a get takes
    promised     how many of them are promised                       `_promise` adds; the woken get, or its giving back,
                                                                     subtracts
    ungranted    capacity - granted slots; below any number once     `_grant` subtracts; the woken put, or its giving
                 the channel is closed                               back, adds; `_shut`
    receivers    the wait queue of gets and of selects               the call that waits enters; the call that wakes
    senders      the wait queue of puts and of selects               it removes
    put_below    a put appends at once below this length             see below
    get_above    a get takes at once above this length               see below

A put goes ahead while there is room:

    room = ungranted + waiting receivers - unpromised items

Three invariants hold whenever no method of the machine is running:

    1. an unpromised item and a waiting receiver never coexist, so one of the two is enough to know the room;
    2. room and a waiting sender never coexist;
    3. receivers of a closed channel wait only while promised items remain, since a promise can come back.

Two thresholds keep each fast path to one comparison: a put appends while `len(buffer) < put_below`, a get takes while
`len(buffer) > get_above`. Both err on the safe side: `put_below` is never above `ungranted`, and `get_above` never
below `promised`. Whatever could make the fast path wrong (a task starts to wait, a slot is granted, an item is
promised, the channel closes) shuts it, by `SLOW_PUT` or `SLOW_GET`. The next slow call that finds nobody to wake opens
it again.

Before it changes anything, every operation that may wake a task asks whether it runs in the channel's event loop, and
calls `_check_loop` if it does not: that forgets the waiters of a loop that was closed and, in the loop's debug mode,
raises in a foreign thread.
"""
