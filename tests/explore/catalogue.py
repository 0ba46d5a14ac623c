"""The programs that are explored, and the variants of them for the long run."""

from tests.explore.programs import Program, program
from tests.model.reference import RENDEZVOUS

PROGRAMS: list[Program] = [
    # Put and get: promises, grants, and who gets them when somebody is cancelled.
    program("A: put | G: get"),
    program("A: put put | G: get get"),
    program("A: put~ put | G: get~ get"),
    program("A: put | B: put | G: get | H: get"),
    program("A: put | B: put | C: put | G: get get", cancels=1),
    program("A: put put put | G: get | H: get", size=2, cancels=1),
    program("A: put | G: get | H: get | I: get", cancels=2),
    program("A: put put | G: get get get", size=0),
    program("A: put | B: put~ put | G: get", size=2),
    # Newcomers.
    program("A: put_nowait put_nowait | G: get | H: get"),
    program("A: put put | G: get_nowait get_nowait | B: put_nowait"),
    program("A: put_nowait get_nowait put_nowait get_nowait | G: get", size=1),
    program("G: get | H: get_nowait | !C: put_nowait put_nowait"),
    program("A: put | B: put_nowait | G: get get_nowait", size=1),
    program("A: put | B: put | !C: get_nowait put_nowait get_nowait"),
    # Closing.
    program("A: put | G: get | H: get | C: close", cancels=1),
    program("A: put put | G: get get | C: close", cancels=1),
    program("A: put | B: put | C: close | G: get"),
    program("A: put | C: close close | G: get | H: get_nowait", cancels=1),
    program("A: put | C: close:why | G: get get", cancels=1),
    program("G: get | H: get | A: put close", size=2),
    program("A: put_nowait | G: get | H: get | !C: close:why"),
    program("A: put put | !C: close | G: get_nowait get_nowait get_nowait", cancels=1),
    # Abort and join.
    program("A: put put | G: get | C: abort", cancels=1),
    program("A: put_nowait put_nowait | G: get | H: get | C: abort:why", size=2, cancels=1),
    program("A: put | G: get | J: join | C: close", cancels=1),
    program("A: put_nowait close | J: join | K: join | G: get_nowait"),
    program("A: put close | J: join | G: get | H: get", cancels=2),
    program("J: join | A: put_nowait abort | G: get peek"),
    program("A: put_nowait put_nowait | G: peek get peek", size=2, cancels=1),
    program("A: put_nowait put_nowait close | J: join | G: get_nowait get_nowait", size=2),
    program("A: put_nowait put_nowait close | G: get | H: get | I: get", size=2, cancels=1),
    # Iterating.
    program("A: put put close | G: iter", cancels=1),
    program("A: put put close:why | G: iter:1 | H: iter", cancels=1),
    program("A: put put | G: next~ next | C: close", cancels=1),
    # Timeouts and tasks within tasks.
    program("A: timeout(put) | B: put | G: get"),
    program("A: put | G: timeout(get) | H: get", cancels=1),
    program("A: put put | G: timeout:0(get) get", cancels=1),
    program("A: put | G: wait_for(get) | H: get", cancels=1),
    program("A: wait_for(put) put | G: get | C: close", cancels=1),
    program("G: timeout(get,timeout:2(get)) | A: put put", cancels=1),
    program("A: group(put,put) | G: get get", cancels=1),
    program("A: put | G: group(get,crash) | H: get", cancels=1),
    program("G: eager(get) | A: put_nowait | H: get"),
    program("A: eager(put) eager(put) | G: eager(get) | C: close", cancels=1),
    # Batches.
    program("A: put_many:3 | G: get_many:2 get_many:2", size=1, cancels=1),
    program("A: put_many:3 | B: put | G: get get", size=1, cancels=1),
    program("A: put_many:2 | B: put_many:2 | G: get_many:4", size=1, cancels=1),
    program("A: put_many:3 | G: get | H: get_many:2 | C: close", size=2, cancels=1),
    program("A: put put | G: get_many:2 | H: get_many_nowait:2", size=2, cancels=1),
    program("A: put_nowait put_many:2 | C: abort | G: get", size=1, cancels=1),
    program("A: put_many:2 | B: put | C: put | G: get_many:2", size=2, cancels=1),
    program("A: put_nowait | G: get | H: get_many:2", size=1),
    program("A: put close | G: get_many_nowait:2 get_many_nowait:2"),
    # Batches in time: cancelled with items promised, beside other receivers, larger than the channel, closed, aborted.
    program("A: put put | G: batch:2"),
    program("A: put put | G: batch:1 batch:2", size=2, cancels=1),
    program("A: put_many:3 | G: batch:4 | H: batch:4 | C: close", size=2, cancels=1),
    program("A: put put_nowait | G: batch:2 | H: get | I: batch:2", size=2, cancels=1),
    program("A: put | B: put | D: put | G: batch:3", cancels=1),
    program("A: put close | G: get | H: batch:2"),
    program("A: put put_nowait | G: batch:2 | H: get_nowait", size=2),
    program("A: put put | G: batch:3 | C: abort", size=2, cancels=1),
    program("A: put put | G: timeout(batch:3) get", size=2, cancels=1),
    program("A: tx(put,put) | G< : batch:2 | J: join"),
    program("S: sel(get,put) | G: batch:2 | A: put", size=RENDEZVOUS, cancels=1),
    program("A: put put | G: batch:2 | C: close", size=RENDEZVOUS),
    program("A: put_many:2 | G: batch:2 batch:2", size=1, cancels=1, rests=True),
    # Waiting for the close.
    program("A: put close | W: wait_closed | G: get"),
    program("W: wait_closed | V: timeout(wait_closed) | C: close"),
    program("W: sel(put,closed) | A: put | C: close", cancels=1),
    program("W: sel(get,closed) | A: put | C: close", cancels=1),
    program("W: sel(closed,put,get@b) | A: put put@b | C: abort", cancels=1),
    program("A: tx(wait_closed) | G< : get | B: put", cancels=1),
    # Rendezvous.
    program("A: put | G: get", size=RENDEZVOUS),
    program("A: put put | G: get get", size=RENDEZVOUS),
    program("A: put | B: put | G: get | H: get", size=RENDEZVOUS, cancels=1),
    program("A: put_nowait | B: put | G: get | H: get_nowait", size=RENDEZVOUS),
    program("A: put | G: get | C: close | J: join", size=RENDEZVOUS, cancels=1),
    program("A: put_many:2 | G: get_many:2 get", size=RENDEZVOUS),
    program("A: timeout(put) | G: timeout(get)", size=RENDEZVOUS),
    # Handles and counted ends.
    program("A: tx(put,put) | G: rx(get,get)"),
    program("A> : put put | B> : put | G: iter", cancels=1),
    program("A> : put crash | G: iter", cancels=1),
    program("A: put put | G< : get | H< : get", cancels=1),
    program("A: sending(put,put) | G: receiving(get) get", cancels=1),
    program("A> : put | B: put | G< : get crash", cancels=1),
    # Two channels, and a pipeline.
    program("A: put put close | F: get put@b get put@b close@b | G: iter@b", cancels=1),
    program("A: put put@b | G: get@b | H: get", cancels=2),
]

# Select: exactly one case, or none; claimed by one channel and withdrawn from the others in the same step.
PROGRAMS += [
    program("S: sel(get,get@b) | A: put | B: put@b", cancels=1),
    program("S: sel(get,get@b) get get@b | A: put put@b"),
    program("S: sel(get,get@b) | T: sel(get@b,get) | A: put put@b", cancels=1),
    program("S: sel(get,get@b) | G: get | H: get@b | A: put_nowait put_nowait@b", cancels=1),
    program("S: sel(put,put@b) | G: get | H: get@b", size=RENDEZVOUS, cancels=1),
    program("S: sel(get,get@b) | A: put_nowait put_nowait@b | G: get_nowait@b", size=RENDEZVOUS),
    program("S: sel(put,get@b) | A: put put | G: get get | B: put@b", cancels=1),
    program("S: sel(put,put@b) | T: sel(get,get@b)", size=RENDEZVOUS),
    program("S: sel(get,put) | A: put | G: get", size=RENDEZVOUS),
    program("S: sel(get,put) | T: sel(put,get)", size=RENDEZVOUS),
    program("S: sel(get,put) | T: sel(get,put) | A: put_nowait | G: get_nowait", size=RENDEZVOUS, cancels=1),
    program("S: sel(get,get@b) | C: close close@b | A: put", cancels=1),
    program("S: sel(get:or,get@b) | C: close | A: put@b | G: get", cancels=1),
    program("S: sel(put:or,get@b) | A: put | C: close:why | G: get", cancels=1),
    program("S: sel(put,get@b) | A: put_nowait get_nowait | C: close", cancels=1),
    program("S: sel(get,otherwise) sel(get,otherwise) | A: put | G: get", cancels=1),
    program("S: timeout(sel(get,get@b)) | A: put_nowait | B: put_nowait@b", cancels=1),
    program("S: sel(get,get) sel(put,put) | A: put | G: get", cancels=1),
    program("S: sel(get:map,get@b) | A: put put | G: get", cancels=1),
    program("S: sel(put:map,get@b) | A: put put | G: get get", cancels=1),
    program("S: sel(get:fail,get@b) | A: put put | G: get", cancels=1),
    program("S: sel(put:fail,get@b) | A: put put | G: get get", cancels=1),
    program("S: sel(put:fail,get:map@b) | G: get | A: put_nowait@b | B: put", size=RENDEZVOUS, cancels=1),
    program("S: sel(get:or,put) | C: close | A: put", size=RENDEZVOUS, cancels=1),
    program("S: sel(put,get@b) | A: put abort | J: join | G: get", cancels=1),
    program("S: sel(get,get@b) | T: get | A: put_nowait put_nowait@b put_nowait", size=2, cancels=2),
    program("A: put put put close | S: sel(get,get@b) sel(get@b,get) | J: join", cancels=1),
    program("A: put_nowait | S: sel(put,put) | G: get get", cancels=1),
    program("G: get | H: get | S: sel(put,put@b) | A: put_nowait", size=2, cancels=1),
    program("G: get | S: sel(get,get@b) | T: sel(get,get@b) | H: get | A: put_many:2@b put_many:2", size=2, cancels=0),
]

# A call that goes ahead lets other tasks run now and then, before it does anything.
PROGRAMS += [
    program("A: put put put | G: get_nowait | H: get", size=0, cancels=1, rests=True),
    program("A: put put put close | G: iter", size=0, cancels=1, rests=True),
    program("A: put_many:4 put | G: get get get", size=0, cancels=1, rests=True),
    program("A: put_many:4 put_many:2 | C: close | G: get_many:2 get_many:2 get", size=0, cancels=1, rests=True),
    program("A: put_many:3 close | G: get get | H: get_many:2", size=0, cancels=1, rests=True),
    program("A: put put | B: put put | C: abort | G: get", size=0, cancels=1, rests=True),
    program("A: put_many:4 | S: sel(get,get@b) sel(get,put@b) | C: close", size=0, cancels=1, rests=True),
    program("A: put put | S: sel(put,put@b) sel(put:map,get@b) | G: get", size=0, cancels=1, rests=True),
    program("C: close | S: sel(get:or,get@b) sel(get:or,get@b) | A: put@b", cancels=1, rests=True),
    program("S: sel(get,otherwise) sel(get:map,otherwise) sel(put,otherwise) | A: put", cancels=1, rests=True),
    program("A: timeout:0(put) put put | G: timeout:0(get) get", size=0, cancels=1, rests=True),
]

# The order of wake-ups is the contract's; the order in which woken tasks run is the loop's, which may be any here.
PROGRAMS += [
    program("A: put | B: put | G: get | H: get", any_order=True, cancels=1),
    program("A: put_nowait put_nowait | G: get | H: get | C: close", any_order=True, cancels=1),
    program("A: put put | B: put | G: get_nowait get_nowait", any_order=True, cancels=1),
]


# Puts that never wait: what is dropped, beside promises, cancellations and closes.
POLICIES = ("DROP_OLDEST", "REPLACE_NEWEST", "DROP_INCOMING")
PROGRAMS += [
    program(text, size, cancels=cancels, any_order=any_order, rests=rests, policy=policy)
    for policy in POLICIES
    for text, size, cancels, any_order, rests in [
        ("G: get | A: put_nowait put_nowait put_nowait", 1, 0, False, False),
        ("G: get | A: put_nowait put_nowait put_nowait put_nowait | H: get_nowait", 1, 1, False, False),
        ("G: get | H: get | A: put put put put", 1, 1, False, False),
        ("G: get | H: get | A: put_nowait put_nowait put_nowait put_nowait put_nowait", 1, 2, True, False),
        ("A: put put | B: put | C: close | G: get | J: join", 1, 1, False, False),
        ("A: put_nowait put_nowait put_nowait | C: abort | G: get | H: get", 2, 1, False, False),
        ("A: put_many:5 | G: get get | H: get_many:2", 2, 1, False, False),
        ("A> : put put put | B> : put_many:2 | G: iter", 2, 1, False, False),
        ("S: sel(put,get@b) | A: put put | G: get | B: put@b put@b", 1, 1, False, False),
        ("S: sel(get@b,put:fail) sel(get@b,put:map) | A: put put | G: get", 1, 1, False, False),
        ("S: sel(get,put) | A: put put | C: close | G: get", 1, 1, False, False),
        ("A: put put put put | G: get get | B: timeout:0(put)", 1, 1, False, True),
        ("S: sel(put:map,get@b) sel(put,get@b) sel(put:or,get@b) | A: put | C: close", 1, 1, False, True),
    ]
]  # fmt: skip


# The best item leaves first, and among equal ones the first that was accepted; waiters keep their order.
PROGRAMS += [
    program("A: put put | B: put put | G: get get get", size=0, cancels=1, ordered=True),
    program("G: get | A: put_nowait put_nowait | B: put_nowait", size=2, cancels=1, ordered=True),
    program("A: put put | B: put | C: put_nowait | G: get get", size=1, cancels=1, ordered=True),
    program("A: put put | B: put put_nowait | G: get_nowait get_nowait", size=2, cancels=1, ordered=True),
    program("B: put_many:2 put | G: get_many_nowait:2 | C: put_nowait get_nowait", size=2, cancels=0, ordered=True),
    program("B: put sel(put,get@b) | C: put_nowait | G: get_nowait get get", size=1, cancels=1, ordered=True),
    program("B: put put put | C: put put | G: get_many:9", size=0, cancels=1, rests=True, ordered=True),
    program("A: put_many:3 | B: put_many:2 | G: get_many:2 get_many_nowait:2", size=2, cancels=1, ordered=True),
    program("A: put put close | B: put | G: iter | J: join", size=2, cancels=1, ordered=True),
    program("A: put_nowait put_nowait | B: put_nowait | C: abort | G: get peek", size=0, cancels=1, ordered=True),
    program("S: sel(get:map,get@b) | A: put | B: put put@b | G: get", size=2, cancels=1, ordered=True),
    program("S: sel(get:fail,get@b) | A: put put | B: put | G: get", size=2, cancels=1, ordered=True),
    program("S: sel(put,get@b) | A: put put | B: put | G: get get", size=1, cancels=1, ordered=True),
    program("A> : put put | B> : put | G< : get | H< : get", size=2, cancels=1, ordered=True),
    program("A: put put put | B: put | G: get get | H: get_nowait", size=0, cancels=1, rests=True, ordered=True),
    program("A: put | B: put | G: get | H: get", size=1, cancels=1, any_order=True, ordered=True),
]


def variants() -> list[Program]:
    """Each program on channels of several sizes, with two cancels, with woken tasks run in order and in any order."""
    found = {
        script._replace(size=size, cancels=2, any_order=any_order): None
        for script in PROGRAMS
        for size in (script.size, 1, 2, *(() if script.policy or script.ordered else (RENDEZVOUS,)))
        for any_order in (False, True)
    }
    return list(found)
