"""What is interrupted. A scenario is two lines of steps: those before, and those whose places are played.

    P:put              start a task P that puts; get, next, put_many, put_iter, get_many, join, wait_closed likewise
    G:batch            get_many(3, within=inf); batch_now: within=0
    S:sel(get,put.b)   start a task S that selects; the cases are get, put, closed, otherwise, with +map or +or behind
    put!               put_nowait, at once; get!, get_many!, close, fail (close with a cause) and abort likewise
    cancel:P           cancel the task P
    run                let the loop run until it rests
    open:E enter:E leave:E crash:E   a counted sending end; openr:E opens a receiving one
    new                at the beginning: nobody has waited on the channels yet; else somebody has, on both sides
    small              at the beginning: a call that need not wait may let other tasks run, as else one in a thousand
    .b behind a verb   on the second channel

The size may have an overflow policy behind it: `2 DROP_OLDEST`; with `quiet` nobody is told of what is dropped. With
`PRIORITY` behind it the best item leaves first.
The loop rests after each step before, and after the last of the others.
"""

from typing import NamedTuple

from tests.model.reference import RENDEZVOUS

PRIORITY = "PRIORITY"


class Scenario(NamedTuple):
    name: str
    size: int
    before: str
    during: str
    policy: str = ""
    quiet: bool = False

    @property
    def channels(self) -> str:
        return "ab" if ".b" in self.before + self.during else "a"

    @property
    def loses(self) -> bool:
        """Return whether a put that finds no room drops an item."""
        return self.policy not in ("", PRIORITY)

    @property
    def rests(self) -> bool:
        """Return whether calls that need not wait let other tasks run."""
        return "small" in self.before.split()

    @property
    def is_new(self) -> bool:
        """Return whether nobody has waited on its channels yet."""
        return "new" in self.before.split()

    @property
    def has_ends(self) -> bool:
        return "open" in self.before + self.during


_CATALOGUE = """
put: room                        | 2 | put!                                | P:put
put: to a receiver               | 1 | G:get H:get                         | P:put
put: room, rests                 | 2 | small put!                          | P:put run Q:put
put: to a select                 | 1 | S:sel(get,get.b) H:get              | P:put
put: waits                       | 1 | put! Q:put                          | P:put
put: waits, new                  | 1 | new put! Q:put                      | P:put
put: waits behind one            | 2 | put! put! P:put                     | Q:put
put: waits, granted              | 1 | put!                                | P:put run get!
put: granted, filled             | 1 | put! P:put Q:put                    | get! run get!
put: cancelled waiting           | 1 | put! P:put Q:put                    | cancel:P run get!
put: last cancelled waiting      | 1 | put! P:put Q:put                    | cancel:Q
put: cancelled granted           | 1 | put! P:put Q:put                    | get! cancel:P
put: middle cancelled            | 1 | put! P:put Q:put R:put              | cancel:Q cancel:P run get!
put: closed waiting              | 1 | put! P:put Q:put                    | close
put: closed granted              | 1 | put! P:put Q:put                    | get! close
put: closed                      | 1 | close                               | P:put
put: granted beside a receiver   | 1 | put! P:put Q:put                    | get! get! G:get run
put: rendezvous                  | R | G:get                               | P:put
put: rendezvous, waits           | R |                                     | P:put run G:get
get: item                        | 2 | put! put!                           | G:get
get: item, new                   | 2 | new put! put!                       | G:get
get: item, rests                 | 2 | small put! put!                     | G:get run H:get
get: a sender waits              | 1 | put! P:put Q:put                    | G:get
get: waits                       | 1 |                                     | G:get
get: waits, new                  | 1 | new                                 | G:get
get: waits behind one            | 1 | H:get                               | G:get
get: waits, promised             | 1 |                                     | G:get run put!
get: promised, taken             | 1 | G:get H:get                         | put! put! run
get: cancelled waiting           | 1 | G:get H:get                         | cancel:G run put!
get: last cancelled waiting      | 1 | G:get H:get                         | cancel:H
get: cancelled promised          | 1 | G:get H:get                         | put! cancel:G
get: cancelled promised, alone   | 1 | G:get                               | put! put! cancel:G
get: closed waiting              | 1 | G:get H:get                         | close
get: closed promised             | 1 | G:get H:get                         | put! close
get: closed, cancelled promised  | 1 | G:get H:get                         | put! close cancel:G
get: closed, failed              | 1 | G:get                               | fail
get: drains                      | 2 | put! close J:join                   | G:get
get: closed                      | 1 | close                               | G:get
put: rendezvous, waits behind one | R | P:put                              | Q:put
get: rendezvous                  | R | P:put Q:put                         | G:get
put_nowait: room                 | 2 | put!                                | put!
put_nowait: room, new            | 2 | new put!                            | put!
put_nowait: to a receiver        | 1 | G:get H:get                         | put!
put_nowait: two to receivers     | 1 | G:get H:get                         | put! put! put!
put_nowait: to a cancelled one   | 1 | G:get H:get I:get                   | cancel:G put!
put_nowait: full                 | 1 | put!                                | put!
put_nowait: closed               | 1 | close                               | put!
batch: waits                     | 1 |                                     | G:batch
batch: waits, new                | 1 | new                                 | G:batch
batch: waits behind one          | 1 | H:get                               | G:batch
batch: some there                | 2 | put! put!                           | G:batch
batch: all there                 | 5 | put! put! put! put!                 | G:batch
batch: filled                    | 1 | G:batch H:get                       | put! put! put! put!
batch: filled, taken             | 1 | G:batch                             | put! put! put! run
batch: puts wait                 | 1 | put! P:put Q:put R:put              | G:batch
batch: cancelled waiting         | 1 | G:batch H:get                       | cancel:G run put!
batch: cancelled, promised       | 2 | G:batch H:get I:get put! put!       | cancel:G
batch: cancelled, promised, one  | 2 | G:batch H:batch put! put!           | cancel:G run close
batch: cancelled, put to         | 1 | G:batch H:get put!                  | cancel:G put!
batch: closed                    | 1 | G:batch put!                        | close
batch: closed waiting            | 1 | G:batch                             | close
batch: closed, a promise back    | 1 | G:get H:batch                       | put! close cancel:G
batch: aborted                   | 1 | G:batch put!                        | abort
batch: its time is up            | 1 | G:batch_now                         | put! run
batch: its time is up, cancelled | 1 | G:batch_now                         | put! cancel:G run
batch: rendezvous                | R | P:put Q:put                         | G:batch
get_nowait: item                 | 2 | put! put!                           | get!
get_nowait: a sender waits       | 1 | put! P:put Q:put                    | get!
get_nowait: to a cancelled one   | 1 | put! P:put Q:put R:put              | cancel:P get!
get_nowait: empty                | 1 |                                     | get!
get_nowait: drains               | 2 | put! close J:join K:join            | get!
put_nowait: opens the fast path  | 5 | new small                           | put! put! put!
get_nowait: opens the fast path  | 3 | G:get J:join put!                   | put! put! get!
get_many_nowait: opens it        | 3 | G:get J:join put!                   | put! put! put! get_many!
put_many: room                   | 5 | put!                                | P:put_many
put_many: iterator, room         | 5 | put!                                | P:put_iter
put_many: room, rests            | 5 | small put!                          | P:put_many
put_many: iterator, rests        | 5 | small put!                          | P:put_iter
put_many: to receivers           | 1 | G:get H:get                         | P:put_many
put_many: iterator, to receivers | 1 | G:get H:get                         | P:put_iter
put_many: waits                  | 2 | put!                                | P:put_many
put_many: waits behind one       | 2 | put! put! P:put                     | Q:put_many
put_many: waits, new             | 2 | new put!                            | P:put_many
put_many: iterator, waits        | 2 | put!                                | P:put_iter
put_many: waits, granted         | 1 |                                     | P:put_many run get! run get!
put_many: cancelled waiting      | 1 | P:put_many Q:put                    | cancel:P run get!
put_many: cancelled granted      | 1 | P:put_many Q:put                    | get! cancel:P
put_many: closed waiting         | 1 | P:put_iter Q:put                    | close
get_many: items                  | 3 | put! put!                           | G:get_many
get_many: of more items          | 3 | put! put! put!                      | G:get_many
get_many: items, rests           | 3 | small put! put! put!                | G:get_many run H:get_many
get_many: senders wait           | 1 | put! P:put Q:put                    | G:get_many
get_many: waits                  | 3 |                                     | G:get_many
get_many: waits, new             | 3 | new                                 | G:get_many
get_many: waits, promised        | 3 | G:get_many                          | put! put!
get_many: cancelled promised     | 1 | G:get_many H:get                    | put! cancel:G
get_many_nowait: items           | 3 | put! put! put!                      | get_many!
get_many_nowait: in one go       | 3 | small put! put! put!                | get_many!
get_many_nowait: senders wait    | 1 | put! P:put Q:put                    | get_many!
get_many_nowait: none            | 1 |                                     | get_many!
get_many_nowait: drains          | 2 | put! close J:join                   | get_many!
next: item                       | 2 | put! put!                           | G:next
next: item, rests                | 2 | small put! put!                     | G:next run H:next
next: a sender waits             | 1 | put! P:put                          | G:next
next: waits                      | 1 |                                     | G:next
next: waits, new                 | 1 | new                                 | G:next
next: waits, promised            | 1 |                                     | G:next run put!
next: cancelled promised         | 1 | G:next H:next                       | put! cancel:G
next: closed waiting             | 1 | G:next H:next                       | close
next: failed waiting             | 1 | G:next H:next                       | fail
close: nobody                    | 1 | put!                                | close
close: senders, receivers of one | 1 | put! P:put Q:put J:join             | close get!
close: receivers, joins          | 1 | G:get H:get J:join K:join           | close
close: selects                   | 1 | S:sel(get,get.b) T:sel(get,put.b)   | close
close: again                     | 1 | close                               | close fail
abort: items                     | 2 | put! put! P:put                     | abort
abort: promised items            | 2 | G:get H:get                         | put! put! put! abort
abort: receivers                 | 1 | G:get H:get J:join                  | abort
abort: promised, cancelled       | 1 | G:get H:get                         | put! put! cancel:G cancel:H abort
join: waits                      | 1 | put!                                | J:join
join: waits, new                 | 1 | new put!                            | J:join
join: waits, drained             | 1 | put!                                | J:join run close get!
join: cancelled                  | 1 | J:join K:join                       | cancel:J run close
select: get ready                | 2 | put!                                | S:sel(get,get.b)
select: get ready, rests         | 2 | small put! put!                     | S:sel(get,get.b) run T:sel(get,get.b)
select: closed, rests            | 2 | small close                         | S:sel(get) run T:sel(get) run U:sel(get)
select: second ready             | 2 | put!.b                              | S:sel(get,get.b)
select: put ready                | 2 |                                     | S:sel(put,get.b)
select: put to a receiver        | 1 | G:get                               | S:sel(get.b,put)
select: get, a sender waits      | 1 | put! P:put                          | S:sel(get.b,get)
select: waits to get             | 1 |                                     | S:sel(get,get.b)
select: waits to get, new        | 1 | new                                 | S:sel(get,get.b)
select: waits to put             | 1 | put! put!.b Q:put                   | S:sel(put,put.b)
select: waits to put behind one  | 2 | put! put! P:put                     | S:sel(put,get.b)
select: waits to get behind one  | 1 | H:get                               | S:sel(get,get.b)
select: waits to put, new        | 1 | new put! put!.b Q:put               | S:sel(put,put.b)
select: waits, both sides        | 1 | put!.b                              | S:sel(get,put.b)
select: waits, rendezvous        | R |                                     | S:sel(get,put)
select: waits, rendezvous, new   | R | new                                 | S:sel(get,put)
select: waits, promised          | 1 |                                     | S:sel(get,get.b) run put!
select: waits, promised on b     | 1 |                                     | S:sel(get,get.b) run put!.b
wait_closed                      | 1 |                                     | W:wait_closed
wait_closed: closed              | 1 | W:wait_closed V:wait_closed         | close
wait_closed: cancelled           | 1 | W:wait_closed                       | cancel:W close
select: put or closed            | 1 | put! S:sel(put,closed)              | close
select: get or closed            | 1 | S:sel(get,closed)                   | close
select: closed or a get          | 1 | S:sel(closed,get.b)                 | put!.b run close
select: waits, granted           | 1 | put! put!.b                         | S:sel(put,put.b) run get!
select: get or put, promised     | 1 | put!.b                              | S:sel(get,put.b) run put!
select: get or put, granted      | 1 | put!.b                              | S:sel(get,put.b) run get!.b
select: both sides of one        | R |                                     | S:sel(get,put) run G:get
select: both sides, put to       | R |                                     | S:sel(get,put) run P:put
select: two on both sides        | R | S:sel(get,put)                      | T:sel(put,get)
select: with otherwise           | 1 |                                     | S:sel(get,put.b,otherwise)
select: otherwise taken          | 1 | put!.b                              | S:sel(get,put.b,otherwise)
select: otherwise taken, rests   | 1 | small                               | S:sel(get,otherwise) run T:sel(otherwise)
select: three                    | 1 | put!.b                              | S:sel(get,put.b,get) run put!
select: one                      | 1 |                                     | S:sel(get) run put!
select: mapped ready             | 1 | put!                                | S:sel(get+map,get.b)
select: mapped waits             | 1 |                                     | S:sel(get+map,get.b) run put!
select: mapped put waits         | 1 | put!                                | S:sel(put+map,get.b) run get!
select: or_closed waits          | 1 |                                     | S:sel(get+or,get.b) run close
select: cancelled waiting        | 1 | S:sel(get,get.b) H:get              | cancel:S run put!
select: cancelled promised       | 1 | S:sel(get,get.b) H:get H2:get.b     | put! cancel:S
select: cancelled granted        | 1 | put! S:sel(put,get.b) P:put H:get.b | get! cancel:S
select: closed waiting           | 1 | S:sel(get,get.b) H:get              | close
select: closed promised          | 1 | S:sel(get,get.b) H:get              | put! close
select: put closed granted       | 1 | put! S:sel(put,get.b)               | get! close
end: open, enter, leave          | 1 | G:get                               | open:E enter:E leave:E
end: one of two leaves           | 1 | open:E open:F G:get                 | enter:E leave:E
end: last leaves                 | 1 | open:E enter:E G:get J:join         | leave:E
end: last crashes                | 1 | open:E enter:E G:next               | crash:E
end: receiving, last leaves      | 1 | openr:E enter:E put! P:put          | leave:E
drop: oldest                     | 2 DROP_OLDEST          | put! put!              | P:put
drop: oldest, quiet              | 2 DROP_OLDEST quiet    | put! put!              | P:put
drop: newest                     | 2 REPLACE_NEWEST       | put! put!              | P:put
drop: newest, quiet              | 2 REPLACE_NEWEST quiet | put! put!              | P:put
drop: incoming                   | 2 DROP_INCOMING        | put! put!              | P:put
drop: incoming, quiet            | 2 DROP_INCOMING quiet  | put! put!              | P:put
drop: conflated                  | 1 DROP_OLDEST          | put!                   | put! put!
drop: conflated, quiet           | 1 DROP_OLDEST quiet    | put!                   | put! put!
drop: room                       | 2 DROP_OLDEST          | put!                   | P:put
drop: beside promises            | 1 DROP_OLDEST          | G:get H:get            | put! put! put! put!
drop: newest beside promises     | 1 REPLACE_NEWEST quiet | G:get H:get            | put! put! put! put!
drop: incoming beside promises   | 1 DROP_INCOMING        | G:get                  | put! put! put!
drop: of a cancelled receiver    | 1 DROP_OLDEST          | G:get H:get            | put! put! put! cancel:G run put!
drop: all of cancelled receivers | 1 DROP_OLDEST          | G:get H:get | put! put! put! cancel:G cancel:H run put!
drop: the same, quiet            | 1 DROP_OLDEST quiet    | G:get H:get | put! put! put! cancel:G cancel:H run put!
drop: the newest of them         | 1 REPLACE_NEWEST       | G:get H:get | put! put! put! cancel:G cancel:H run put!
drop: none of them               | 1 DROP_INCOMING        | G:get H:get | put! put! put! cancel:G cancel:H run put!
drop: batch                      | 2 DROP_OLDEST          | put!                   | P:put_many
drop: iterator                   | 2 REPLACE_NEWEST       | put!                   | P:put_iter
drop: rests                      | 2 DROP_OLDEST          | small put! put! put!   | P:put run Q:put
drop: select                     | 1 DROP_OLDEST          | put!                   | S:sel(put,get.b)
drop: select, rests              | 1 DROP_INCOMING        | small put! put!        | S:sel(put) run T:sel(put+map)
drop: select, mapped             | 1 REPLACE_NEWEST       | put!                   | S:sel(get.b,put+map)
drop: select, room               | 1 DROP_OLDEST          |                        | S:sel(put,get.b)
drop: select, closed             | 1 DROP_OLDEST          | small put! close       | S:sel(put) run T:sel(put+or)
best: put, room                  | 2 PRIORITY             | put!                   | P:put
best: put_nowait, to a receiver  | 1 PRIORITY             | G:get H:get            | put! put! put!
best: put, waits, granted        | 1 PRIORITY             | put!                   | P:put run get!
best: put, cancelled granted     | 1 PRIORITY             | put! P:put Q:put       | get! cancel:P
best: put, closed                | 1 PRIORITY             | put! P:put Q:put       | get! close
best: put, rests                 | 2 PRIORITY             | small put!             | P:put run Q:put
best: put_many, waits, granted   | 1 PRIORITY             |                        | P:put_many run get! run get!
best: get                        | 2 PRIORITY             | put! put!              | G:get
best: get, a sender waits        | 1 PRIORITY             | put! P:put Q:put       | G:get
best: get, promised, taken       | 1 PRIORITY             | G:get H:get            | put! put! run
best: get, cancelled promised    | 1 PRIORITY             | G:get H:get            | put! cancel:G
best: get_nowait                 | 2 PRIORITY             | put! put!              | get!
best: get_many                   | 3 PRIORITY             | put! put!              | G:get_many
best: get_many, waits            | 3 PRIORITY             | G:get_many             | put! put!
best: get_many_nowait            | 3 PRIORITY             | put! put! put!         | get_many!
best: next, drains               | 2 PRIORITY             | put! close J:join      | G:next
best: abort, promised            | 2 PRIORITY             | G:get H:get            | put! put! put! abort
best: select, get                | 2 PRIORITY             | put!                   | S:sel(get,get.b)
best: select, waits              | 1 PRIORITY             | put!.b                 | S:sel(get+map,put.b) run put!
best: select, put granted        | 1 PRIORITY             | put! put!.b            | S:sel(put,put.b) run get!
drop: closed                     | 1 DROP_OLDEST          | put! close             | put! P:put
"""


def _scenarios() -> dict[str, Scenario]:
    found: dict[str, Scenario] = {}
    for line in _CATALOGUE.strip().splitlines():
        name, sizes, before, during = (part.strip() for part in line.split("|"))
        assert name not in found
        size, *how = sizes.split()
        maxsize = RENDEZVOUS if size == "R" else int(size)
        found[name] = Scenario(name, maxsize, before, during, "".join(how[:1]), "quiet" in how)
    return found


SCENARIOS = _scenarios()
