"""What scripts do that the model has no word for: bytes, times, expiry, counts, limits. Mutants meet these, too."""

import time
from collections.abc import Callable

from msgspec.msgpack import encode

from aiochannel.redis import replies
from aiochannel.redis.chunks import key_of, pack, unpack
from aiochannel.remote.broker import Settings
from tests.redis.client import array, mapping, text, texts, whole
from tests.redis.subject import Delivered, Subject, items_in, raw

HUB = "aaaaaaaaaa"
SENDER, OTHER = f"{HUB}-0001", f"{HUB}-0002"
WEEK = 604800
CHECKS: list[Callable[[Subject], None]] = []


def check(function: Callable[[Subject], None]) -> Callable[[Subject], None]:
    CHECKS.append(function)
    return function


def opened(subject: Subject, maxsize: int = 0, tries: int = 3, lease: float = 3600.0) -> int:
    """Make the channel, and return a receiver of it."""
    subject.open(Settings(maxsize, tries, lease, "msgpack"))
    subject.ears("SSUBSCRIBE", subject.keys[0] + b":e")
    subject.ears("SSUBSCRIBE", subject.keys[0] + b":n:" + HUB.encode())
    return subject.register(HUB, 1)


def taken(subject: Subject, r: int, want: int, size: int = 2**20) -> list[int]:
    """Take items, and return their numbers."""
    own = subject.receivers[r]
    code, puts_wait, *chunks = subject.run("take", r, HUB, own.chunk, want, size, 0, "", 1)
    assert (code, puts_wait) == (1, subject.client("EXISTS", subject.keys[2]))
    return [item.number for c, chunk in enumerate(chunks, own.chunk) for item in subject.accept(r, c, text(chunk))]


def today() -> int:
    return int(time.time()) // 86400


def put_on(subject: Subject, sender: str, day: int, count: int = 1) -> None:
    subject.run("put", raw(sender), 1, count, pack(raw(sender).encode(), 1, [b""] * count), 1, day)


@check
def take_is_bounded_in_bytes(subject: Subject) -> None:
    r = opened(subject)
    subject.put(SENDER, 1, [bytes(400)] * 5, 1)
    assert [1, 2] == taken(subject, r, 9, 1000)
    assert [3] == taken(subject, r, 9, 100)  # one item, however large
    subject.put(SENDER, 6, [bytes(400)], 1)
    assert [4, 5] == taken(subject, r, 9, 1000)
    assert [6] == taken(subject, r, 9, 1)


@check
def take_is_bounded_in_bytes_over_chunks(subject: Subject) -> None:
    r = opened(subject)
    for number in range(1, 5):
        subject.put(SENDER, number, [bytes(400)], 1)
    assert [1, 2] == taken(subject, r, 9, 1000)
    assert [3, 4] == taken(subject, r, 9, 2000)


@check
def items_of_every_size_are_split(subject: Subject) -> None:
    r = opened(subject)
    sizes = [0, 1, 234, 235, 300, 65514, 65515, 70000, 3]
    subject.put(SENDER, 1, [bytes(size) for size in sizes], 1)
    for number, size in enumerate(sizes, 1):
        code, items = subject.take(r, subject.receivers[r].receipt, 1, (), 1, again=False, whole_chunks=False)
        assert (1, [(number, size)]) == (code, [(item.number, len(item.payload)) for item in items])


@check
def large_numbers_keep_their_digits(subject: Subject) -> None:
    r = opened(subject, 1)
    last = 2**48 - 5
    subject.client("HSET", subject.keys[6], raw(SENDER), f"{last} {last} 1 {today()}")
    assert [1, last + 1] == subject.put(SENDER, last + 1, [b"1", b"2"], 1)
    assert subject.withdraw(SENDER, last + 2, 1)
    assert (last + 2, last + 2) == subject.snapshot().senders[SENDER] or subject.snapshot().senders[SENDER][
        1
    ] == last + 2
    assert [last + 1] == taken(subject, r, 1)
    r = whole(subject.client("HSET", subject.keys[0], "rc", 2**25 - 2)) or subject.register(HUB, 1)
    assert 2**25 - 1 == r
    subject.receivers[r].chunk = 2**28 - 1
    subject.take(1, 2, 0, [1], 1, again=False, whole_chunks=True)
    subject.put(SENDER, last + 3, [b"3"], 1)
    subject.take(r, 1, 1, (), 1, again=False, whole_chunks=False)
    scores = mapping(subject.client("ZRANGE", subject.keys[3], 0, -1, "WITHSCORES")).values()
    assert [r * 2**28 + 2**28 - 1] == [int(score) for score in scores]


@check
def senders_are_forgotten_after_a_week(subject: Subject) -> None:
    r = opened(subject, 2)
    put_on(subject, SENDER, today() - 8)
    put_on(subject, OTHER, today() - 7)
    put_on(subject, f"{HUB}-0003", today() - 9, 2)  # waits
    assert 3 == subject.client("HLEN", subject.keys[6])
    subject.renew(HUB, 1, [(r, 0)])
    assert {OTHER, f"{HUB}-0003"} == subject.snapshot().senders.keys() | set()
    subject.client("HSET", subject.keys[6], raw(SENDER), f"1 1 1 {today() - 8}")
    subject.renew(HUB, 1, [(r, 0)])  # once a day
    assert 3 == subject.client("HLEN", subject.keys[6])


@check
def many_senders_are_looked_through_in_pages(subject: Subject) -> None:
    r = opened(subject)
    fields = [part for place in range(2000) for part in (f"{HUB}{place:04}", "1 1 1 5")]
    subject.client("HSET", subject.keys[6], *fields)
    before = 2000
    while before:
        subject.renew(HUB, 1, [(r, 0)])
        left = whole(subject.client("HLEN", subject.keys[6]))
        assert before - 1000 < left < before
        before = left


@check
def many_senders_that_stay_are_looked_through_once(subject: Subject) -> None:
    r = opened(subject)
    fields = [part for place in range(2000) for part in (f"{HUB}{place:04}", f"1 1 1 {today()}")]
    subject.client("HSET", subject.keys[6], *fields)
    for _ in range(100):
        subject.renew(HUB, 1, [(r, 0)])
    assert b"%d 0" % today() == subject.client("HGET", subject.keys[0], "swept")
    assert 2000 == subject.client("HLEN", subject.keys[6])


@check
def receiver_that_does_not_wait_is_told(subject: Subject) -> None:
    r = opened(subject)
    assert ([], []) == subject.renew(HUB, 1, [(r, 5)])
    subject.take(r, 1, 5, (), 1, again=False, whole_chunks=False)
    assert ([], [r]) == subject.renew(HUB, 1, [(r, 5)])
    assert ([], []) == subject.renew(HUB, 1, [(r, 4)])


@check
def items_of_a_crashed_receiver_are_tried_again(subject: Subject) -> None:
    r = opened(subject, 1, tries=2)
    other = subject.register(HUB, 1)
    subject.put(SENDER, 1, [b"1"], 1)
    subject.put(OTHER, 1, [b"2"], 1)  # waits
    taken(subject, r, 1)
    subject.end_lease(r)
    subject.renew(HUB, 1, [(other, 0)])
    assert [(1, 2)] == [(item.number, item.attempt) for item in subject.snapshot().queue]
    r = subject.register(HUB, 1)
    taken(subject, r, 1)
    subject.end_lease(r)
    subject.renew(HUB, 1, [(other, 0)])
    found = subject.snapshot()
    assert [SENDER] == [item.sender for item, _ in found.dead]
    assert ([OTHER], []) == ([item.sender for item in found.queue], found.puts)  # there is room for it


@check
def revived_item_waits_behind_all_as_if_it_were_new(subject: Subject) -> None:
    r = opened(subject, tries=2)
    subject.put(SENDER, 1, [b"1"], 1)
    for receipt in (1, 2):
        taken(subject, r, 1)
        subject.back(r, [receipt], 1, count=True, delay=None)
    subject.put(OTHER, 1, [b"2"], 1)
    assert 1 == subject.revive([])
    assert [(OTHER, 1), (SENDER, 1)] == [(item.sender, item.attempt) for item in subject.snapshot().queue]


@check
def delayed_item_that_is_due_comes_once(subject: Subject) -> None:
    r = opened(subject)
    subject.put(SENDER, 1, [b"1"], 1)
    taken(subject, r, 1)
    subject.back(r, [1], 1, count=True, delay=500.0)
    subject.all_due()
    for _ in range(2):
        subject.renew(HUB, 1, [(r, 0)])
        found = subject.snapshot()
        assert ([SENDER], []) == ([item.sender for item in found.queue], found.delayed)


@check
def an_abort_removes_what_is_delayed_and_what_waits_for_room(subject: Subject) -> None:
    r = opened(subject, 2)
    subject.put(SENDER, 1, [b"1", b"2", b"3"], 1)
    subject.take(r, 1, 1, (), 1, again=False, whole_chunks=False)
    subject.back(r, [1], 1, count=True, delay=500.0)
    assert 2 == subject.abort(None)
    found = subject.snapshot()
    assert ([], [], [], 0, True) == (found.queue, found.delayed, found.puts, found.stored, found.drained)


@check
def withdrawn_item_is_looked_for_among_its_senders_own(subject: Subject) -> None:
    opened(subject, 1)
    subject.put(OTHER, 1, [b"1", b"2", b"3"], 1)
    subject.put(SENDER, 1, [b"1", b"2"], 1)
    assert subject.withdraw(SENDER, 2, 1)
    assert [[(OTHER, 2), (OTHER, 3)], [(SENDER, 1)]] == [
        [(item.sender, item.number) for item in put] for put in subject.snapshot().puts
    ]


@check
def sender_of_a_drained_channel_is_not_noted(subject: Subject) -> None:
    opened(subject)
    subject.close(None)
    subject.resume(HUB, 2, 1, [], [SENDER])
    assert 0 == subject.client("EXISTS", subject.keys[6])


@check
def drained_channel_expires(subject: Subject) -> None:
    r = opened(subject, tries=1)
    subject.put(SENDER, 1, [b"1", b"2"], 1)
    subject.take(r, 1, 2, (), 1, again=False, whole_chunks=False)
    subject.back(r, [1], 1, count=True, delay=None)
    subject.close("why")
    assert {-1, -2} == {subject.client("TTL", key) for key in subject.keys}
    subject.take(r, 3, 0, [2], 1, again=False, whole_chunks=True)
    times = {whole(subject.client("TTL", key)) for key in subject.keys}
    assert times <= {-2, WEEK, WEEK - 1}
    assert times != {-2}
    # What latecomers do leaves nothing that never expires.
    assert [-2, b"why"] == subject.run("renew", f"{HUB}:1", 0)
    subject.renew(HUB, 1, [(r, 0)])
    subject.resume(HUB, 2, 1, [(r, 3)], [SENDER, OTHER])
    subject.put(OTHER, 1, [b""], 2)
    subject.withdraw(OTHER, 1, 2)
    subject.bye(OTHER, 2, forget=False)
    subject.bye(SENDER, 2, forget=True)
    subject.leave(r, 2)
    assert -1 not in {subject.client("TTL", key) for key in subject.keys}


@check
def delayed_items_keep_their_order(subject: Subject) -> None:
    r = opened(subject)
    subject.put(SENDER, 1, [bytes(300), b"2", b""], 1)
    subject.take(r, 1, 3, (), 1, again=False, whole_chunks=False)
    subject.back(r, [1, 2, 3], 1, count=True, delay=500.0)
    assert [1, 2, 3] == [item.number for item in subject.snapshot().delayed]
    due = mapping(subject.client("ZRANGE", subject.keys[7], 0, -1, "WITHSCORES")).values()
    assert all(0 < float(when) - 1000 * (time.time() + 480) < 21000 for when in due)
    subject.renew(HUB, 1, [(r, 0)])
    assert not subject.snapshot().queue


@check
def new_items_that_are_given_back_share_chunks(subject: Subject) -> None:
    r = opened(subject)
    for number in range(1, 301):
        subject.put(SENDER, number, [b""], 1)
    subject.put(SENDER, 301, [bytes(60000)], 1)
    subject.put(SENDER, 302, [bytes(60000)], 1)
    taken(subject, r, 400)
    subject.leave(r, 1)
    chunks = [unpack(chunk).elements for chunk in texts(subject.client("LRANGE", subject.keys[1], 0, -1))]
    assert [256, 45, 1] == [len(chunk) for chunk in chunks]
    assert list(range(1, 303)) == [item.number for chunk in chunks for item in items_in(chunk)]


@check
def everything_is_counted(subject: Subject) -> None:
    r = opened(subject, 8, tries=1)
    subject.put(SENDER, 1, [b"%d" % number for number in range(8)], 1)
    subject.put(OTHER, 1, [b"x", b"y", b"z", b"u"], 1)
    subject.take(r, 1, 5, (), 1, again=False, whole_chunks=False)
    subject.back(r, [5], 1, count=False, delay=500.0)
    subject.back(r, [4], 1, count=True, delay=None)
    subject.take(r, 6, 0, [2], 1, again=False, whole_chunks=False)
    stat = replies.statistics(subject.run("stat"))
    assert (8, 5, 2, 1, 1) == (stat.stored, stat.waiting, stat.at_hand_or_held, stat.delayed, stat.dead)
    assert (2, 0, 1) == (stat.waiting_puts, stat.waiting_receivers, stat.receivers)
    assert (10, 2, 0, False, False) == (stat.accepted, stat.received, stat.redelivered, stat.closed, stat.drained)
    assert [1, 8] == subject.run("size")
    _, *chunks = subject.run("peek", 4)
    items = [item for chunk in chunks for item in items_in(unpack(text(chunk)).elements)]
    assert [b"5", b"6", b"7"] == [item.payload for item in items][:3]
    assert [1] == subject.run("peek", 0)
    (letter,) = [replies.dead_letter(one) for one in subject.run("dead", 9)[1:]]
    assert (b"3", f"{SENDER}-4", "why", 1) == (letter.item, letter.id, letter.reason, letter.attempts)
    assert abs(letter.when - time.time()) < 20
    assert [1] == subject.run("dead", 0)


@check
def waiting_receivers_and_redeliveries_are_counted(subject: Subject) -> None:
    r = opened(subject)
    subject.put(SENDER, 1, [b"1", b"2"], 1)
    subject.take(r, 1, 2, (), 1, again=False, whole_chunks=False)
    subject.back(r, [1], 1, count=True, delay=None)
    taken(subject, r, 1)
    subject.take(r, 4, 1, (), 1, again=False, whole_chunks=False)
    stat = replies.statistics(subject.run("stat"))
    assert (2, 2, 1, 1) == (stat.stored, stat.at_hand_or_held, stat.waiting_receivers, stat.redelivered)
    subject.close("why")
    stat = replies.statistics(subject.run("stat"))
    assert (True, False, "why") == (stat.closed, stat.drained, stat.cause)


@check
def pushes_say_whether_puts_wait(subject: Subject) -> None:
    r = opened(subject, 1)
    other = subject.register(HUB, 1)
    for each in (r, other):
        subject.take(each, 1, 1, (), 1, again=False, whole_chunks=False)
    subject.put(SENDER, 1, [b"1", b"2", b"3"], 1)
    subject.take(r, 2, 0, [], 1, again=False, whole_chunks=False)
    first, *_ = subject.heard()
    assert text(first[2]).startswith(b"i %d 0 1 " % r)
    subject.accept(r, 0, text(first[2]).split(b" ", 4)[4])
    subject.take(r, 2, 0, [1], 1, again=False, whole_chunks=True)
    subject.accept(other, 0, pack(raw(SENDER).encode(), 2, [b"2"]))
    subject.take(other, 2, 1, [1], 1, again=False, whole_chunks=True)
    pushes = [text(message[2])[:7] for message in subject.heard()]
    assert [b"i %d 0 1" % other, b"a " + raw(SENDER).encode()[:5], b"a " + raw(SENDER).encode()[:5]] == pushes


def lease_of(subject: Subject, r: int) -> float:
    leases = mapping(subject.client("ZRANGE", subject.keys[5], 0, -1, "WITHSCORES"))
    (end,) = [float(end) for entry, end in leases.items() if entry.startswith(b"%d:" % r)]
    return end / 1000 - time.time()


@check
def leases_are_renewed(subject: Subject) -> None:
    r = opened(subject, lease=100.0)
    other = subject.register(HUB, 1)
    assert 80 < lease_of(subject, r) <= 100.1
    for each in (r, other):
        subject.client("ZADD", subject.keys[5], "XX", int(1000 * (time.time() + 50)), f"{each}:{HUB}:1")
    subject.renew(HUB, 1, [(r, 0)])
    assert 80 < lease_of(subject, r) <= 100.1
    assert 30 < lease_of(subject, other) <= 50.1
    subject.long_ago()
    subject.register(HUB, 1)  # is no renewal: it must not hide the outage
    subject.end_lease(other)
    subject.renew(HUB, 1, [(r, 0)])
    assert 80 < lease_of(subject, other) <= 100.1
    subject.end_lease(other)
    subject.renew(HUB, 1, [(r, 0)])
    assert other not in subject.snapshot().leases
    subject.client("ZADD", subject.keys[5], "XX", int(1000 * (time.time() + 50)), f"{r}:{HUB}:1")
    subject.resume(HUB, 2, 1, [(r, 1)], [])
    assert 80 < lease_of(subject, r) <= 100.1


@check
def connection_that_was_tried_in_between_is_replaced_too(subject: Subject) -> None:
    r = opened(subject)
    subject.put(SENDER, 1, [b"1"], 1)
    subject.resume(HUB, 2, 1, [(r, 1)], [SENDER])
    assert [[]] == subject.resume(HUB, 3, 1, [(r, 1)], [SENDER])[0]
    assert [None] == subject.resume(HUB, 2, 1, [(r, 1)], [SENDER])[0]  # its bytes come late
    assert {r: 3} == subject.snapshot().leases
    assert [-6] == subject.put(SENDER, 2, [b"2"], 2)
    assert [[]] == subject.resume(HUB, 3, 3, [(r, 1)], [SENDER])[0]
    assert [1, 2] == subject.put(SENDER, 2, [b"2"], 3)


@check
def sender_that_was_never_seen_has_an_epoch_too(subject: Subject) -> None:
    opened(subject)
    assert [(0, 0)] == subject.resume(HUB, 2, 1, [], [SENDER])[1]
    assert [-6] == subject.put(SENDER, 1, [b"1"], 1)
    subject.renew(HUB, 2, [])
    assert 1 == subject.client("HLEN", subject.keys[6])  # as if it had put today


@check
def reaping_is_bounded(subject: Subject) -> None:
    r = opened(subject)
    others = [subject.register(HUB, 1) for _ in range(20)]
    for each in others:
        subject.end_lease(each)
    reply = subject.run("renew", f"{HUB}:1", r)
    assert 16 == reply[1]
    assert 5 == len(subject.snapshot().leases)
    assert 4 == subject.run("renew", f"{HUB}:1", r)[1]
    subject.put(SENDER, 1, [b""] * 900, 1)
    others = [subject.register(HUB, 1) for _ in range(3)]
    for each in others:
        taken(subject, each, 300)
        subject.end_lease(each)
    assert 2 == subject.run("renew", f"{HUB}:1", r)[1]
    assert 1 == subject.run("renew", f"{HUB}:1", r)[1]


@check
def reviving_is_bounded(subject: Subject) -> None:
    r = opened(subject, tries=1)
    subject.put(SENDER, 1, [b""] * 600, 1)
    taken(subject, r, 600)
    subject.back(r, range(1, 601), 1, count=True, delay=None)
    assert 512 == subject.revive([])
    assert 88 == subject.revive([])


@check
def everyone_learns_that_there_is_no_such_channel(subject: Subject) -> None:
    assert [-3] == subject.run("open")
    for script in set(subject.scripts) - {"open"}:
        assert [-3] == subject.run(script, *["1"] * 8), script


@check
def channel_is_made_once(subject: Subject) -> None:
    opened(subject, 5)
    assert [1, 0, b"5", b"3", b"3600000", b"msgpack", b"1", b"", b"", b""] == subject.open(Settings(6, 1, 1.0, "x"))
    subject.put(SENDER, 1, [b""], 1)
    subject.close("why")
    assert [1, 0, b"5", b"3", b"3600000", b"msgpack", b"1", b"1", b"why", b""] == subject.run("open")
    made = int(mapping(subject.client("HGETALL", subject.keys[0]))[b"made"])
    assert abs(made / 1000 - time.time()) < 20


@check
def sender_that_leaves_is_forgotten(subject: Subject) -> None:
    opened(subject, 1)
    subject.put(SENDER, 1, [b"1"], 1)
    subject.put(OTHER, 1, [b"2"], 1)
    subject.put(f"{HUB}-0003", 1, [b"3"], 1)
    subject.bye(SENDER, 1, forget=True)
    assert [OTHER, f"{HUB}-0003"] == sorted(subject.snapshot().senders)
    subject.bye(OTHER, 1, forget=True)
    assert [[b"3"]] == [[item.payload for item in put] for put in subject.snapshot().puts]
    subject.resume(HUB, 2, 1, [], [f"{HUB}-0003"])
    assert [-6] == subject.bye(f"{HUB}-0003", 1, forget=True)
    subject.bye(f"{HUB}-0003", 2, forget=False)
    assert [] == subject.snapshot().puts
    assert {f"{HUB}-0003": (1, 1)} == subject.snapshot().senders
    assert [-6] == subject.put(f"{HUB}-0003", 1, [b"3"], 1)  # its bytes come late
    subject.bye(OTHER, 2, forget=False)  # never seen
    assert 1 == len(subject.snapshot().senders)


@check
def sender_of_a_closed_channel_leaves(subject: Subject) -> None:
    opened(subject, 1)
    subject.put(SENDER, 1, [b"1", b"2"], 1)
    subject.close(None)
    subject.bye(SENDER, 1, forget=True)
    assert not subject.snapshot().senders


@check
def deleted_channel_is_gone(subject: Subject) -> None:
    opened(subject, 1)
    subject.put(SENDER, 1, [b"1", b"2"], 1)
    assert [1] == subject.run("delete")
    assert 0 == subject.client("EXISTS", *subject.keys)
    assert [("", "deleted ")] == subject.pushes()


@check
def put_that_is_repeated_with_more_has_two_places(subject: Subject) -> None:
    r = opened(subject, 1)
    subject.put(OTHER, 1, [b""], 1)
    subject.put(SENDER, 1, [b"1", b"2"], 1)
    assert subject.withdraw(SENDER, 2, 1)
    assert [1, 0] == subject.put(SENDER, 1, [b"1", b"2", b"3"], 1)
    assert (0, 3) == subject.snapshot().senders[SENDER]
    assert subject.withdraw(SENDER, 3, 1)
    assert (0, 3) == subject.snapshot().senders[SENDER]  # the first still waits
    assert [1] == taken(subject, r, 1)
    subject.take(r, 2, 0, [1], 1, again=False, whole_chunks=True)
    assert 2 == subject.snapshot().senders[SENDER][0]
    assert not subject.withdraw(SENDER, 1, 1)
    assert subject.withdraw(SENDER, 2, 1)  # it is remembered, though later ones are stored
    assert [1, 2] == subject.put(SENDER, 4, [b"4"], 1)


@check
def withdrawn_items_are_forgotten_with_the_next_put(subject: Subject) -> None:
    opened(subject, 1)
    subject.put(SENDER, 1, [b"1", b"2"], 1)
    subject.withdraw(SENDER, 2, 1)
    before = text(subject.client("HGET", subject.keys[6], raw(SENDER)))
    subject.put(SENDER, 3, [b"3"], 1)
    after = text(subject.client("HGET", subject.keys[6], raw(SENDER)))
    assert (5, 4) == (len(before.split()), len(after.split()))


@check
def dead_letters_are_named_by_their_items(subject: Subject) -> None:
    r = opened(subject, tries=1)
    subject.put(SENDER, 1, [b"1", b"2", b"3"], 1)
    subject.take(r, 1, 3, (), 1, again=False, whole_chunks=False)
    subject.back(r, [1, 2, 3], 1, count=True, delay=None)
    assert b"" == key_of("no such name")
    assert 1 == subject.drop_dead([f"{SENDER}-2", f"{OTHER}-1"])
    assert 1 == subject.revive([f"{SENDER}-3"])
    assert [(1, "why")] == [(item.number, reason) for item, reason in subject.snapshot().dead]
    assert 1 == subject.drop_dead([])
    assert not subject.snapshot().dead
    assert [(3, 1)] == [(item.number, item.attempt) for item in subject.snapshot().queue]


@check
def whole_chunk_that_has_left_is_not_counted_again(subject: Subject) -> None:
    r = opened(subject)
    subject.put(SENDER, 1, [b"1", b"2"], 1)
    subject.take(r, 1, 2, (), 1, again=False, whole_chunks=False)
    for _ in range(2):
        subject.run("take", r, HUB, 1, 0, 0, 0, encode([(0, 2)]), 1)
    assert (2, 2, 0) == subject.snapshot().counts


@check
def push_has_no_more_than_was_asked_for(subject: Subject) -> None:
    r = opened(subject)
    subject.take(r, 1, 2, (), 1, again=False, whole_chunks=False)
    subject.put(SENDER, 1, [b"1", b"2", b"3"], 1)
    ((_, push),) = subject.pushes()
    assert isinstance(push, Delivered)
    assert [1, 2] == [item.number for item in push.items]
    assert array(subject.client("LRANGE", subject.keys[1], 0, -1)) == [pack(raw(SENDER).encode(), 3, [b"3"])]


@check
def receiver_whose_hub_is_gone_is_passed_over(subject: Subject) -> None:
    r = opened(subject)
    gone = subject.register("bbbbbbbbbb", 1)
    for each in (gone, r):
        subject.take(each, 1, 1, (), 1, again=False, whole_chunks=False)
    subject.put(SENDER, 1, [b"1"], 1)
    assert [(HUB, r)] == [(hub, push.receiver) for hub, push in subject.pushes() if isinstance(push, Delivered)]
    assert {(r, 1)} == subject.snapshot().held.keys()


@check
def nobody_waits_for_a_drained_channel(subject: Subject) -> None:
    r = opened(subject)
    subject.take(r, 1, 1, (), 1, again=False, whole_chunks=False)
    subject.close(None)
    assert not subject.snapshot().line
    assert [("", "closed "), ("", "drained ")] == subject.pushes()
    subject.run("abort", "")
    assert [] == subject.pushes()  # once


def hold_all(subject: Subject, r: int, want: int) -> None:
    subject.take(r, subject.receivers[r].receipt, want, (), 1, again=False, whole_chunks=False)


def done(subject: Subject, r: int, *receipts: int) -> None:
    subject.take(r, subject.receivers[r].receipt, 0, receipts, 1, again=False, whole_chunks=False)


def kinds(subject: Subject) -> list[tuple[str, list[int]]]:
    """Return the chunks that wait: kind, and numbers."""
    chunks = texts(subject.client("LRANGE", subject.keys[1], 0, -1))
    return [(chr(chunk[0]), [item.number for item in items_in(unpack(chunk).elements)]) for chunk in chunks]


@check
def room_is_used_by_as_many_puts_as_fit(subject: Subject) -> None:
    r = opened(subject, 3)
    subject.put(SENDER, 1, [b"1", b"2", b"3"], 1)
    subject.put(OTHER, 1, [b"4", b"5"], 1)
    subject.put(f"{HUB}-0003", 1, [b"6"], 1)
    hold_all(subject, r, 3)
    done(subject, r, 1)
    assert [(HUB, (OTHER, 1))] == subject.pushes()
    assert [b"4"] == [item.payload for item in subject.snapshot().queue]
    done(subject, r, 2, 3)
    assert [(HUB, (OTHER, 2)), (HUB, (f"{HUB}-0003", 1))] == subject.pushes()
    assert [b"4", b"5", b"6"] == [item.payload for item in subject.snapshot().queue]


@check
def chunk_that_has_left_altogether_leaves_nothing(subject: Subject) -> None:
    r = opened(subject)
    subject.put(SENDER, 1, [b"1", b"2", b"3"], 1)
    hold_all(subject, r, 3)
    done(subject, r, 2)
    done(subject, r, 2, 1)
    assert [(r, 3)] == list(subject.snapshot().held)
    done(subject, r, 3, 1)
    assert 0 == subject.client("EXISTS", subject.keys[3])
    assert (3, 3, 0) == subject.snapshot().counts


@check
def receiver_that_leaves_gives_back_what_it_has_not_acknowledged(subject: Subject) -> None:
    r = opened(subject)
    subject.put(SENDER, 1, [b"1", b"2", b"3", b"4"], 1)
    hold_all(subject, r, 4)
    done(subject, r, 1, 3)
    subject.leave(r, 1)
    assert [("1", [2, 4])] == kinds(subject)
    assert (2, (4, 2, 0)) == (subject.snapshot().stored, subject.snapshot().counts)


@check
def items_that_were_tried_travel_alone(subject: Subject) -> None:
    r = opened(subject, tries=9)
    subject.put(SENDER, 1, [b"%d" % number for number in range(5)], 1)
    hold_all(subject, r, 5)
    subject.back(r, [2], 1, count=True, delay=None)
    hold_all(subject, r, 1)
    subject.back(r, [1, 6, 3, 4, 5], 1, count=False, delay=None)
    assert [("1", [1]), ("r", [2]), ("1", [3, 4, 5])] == kinds(subject)
    assert [[1], [2], [3, 4, 5]] == [taken(subject, r, 9) for _ in range(3)]


@check
def attempts_are_counted(subject: Subject) -> None:
    r = opened(subject, tries=4)
    subject.put(SENDER, 1, [b"1"], 1)
    for attempt in range(1, 5):
        assert [attempt] == [item.attempt for item in subject.snapshot().queue]
        hold_all(subject, r, 1)
        subject.back(r, [attempt], 1, count=True, delay=None)
    assert [4] == [item.attempt for item, _ in subject.snapshot().dead]


@check
def items_that_come_back_serve_those_who_wait(subject: Subject) -> None:
    r = opened(subject)
    subject.put(SENDER, 1, [b"1", b"2", b"3"], 1)
    hold_all(subject, r, 3)
    subject.back(r, [1], 1, count=True, delay=None)
    hold_all(subject, r, 1)
    waiting = [subject.register(HUB, 1) for _ in range(2)]
    for each in waiting:
        hold_all(subject, each, 1)
    subject.pushes()
    subject.back(r, [2, 4, 3], 1, count=False, delay=None)
    pushes = [push for _, push in subject.pushes() if isinstance(push, Delivered)]
    assert [(waiting[0], [2]), (waiting[1], [1])] == [
        (push.receiver, [item.number for item in push.items]) for push in pushes
    ]
    assert [("1", [3])] == kinds(subject)


@check
def rest_of_what_comes_back_stays_in_its_place(subject: Subject) -> None:
    r = opened(subject)
    subject.put(SENDER, 1, [b"1", b"2", b"3"], 1)
    hold_all(subject, r, 3)
    subject.back(r, [3], 1, count=True, delay=None)
    hold_all(subject, r, 1)
    waiting = subject.register(HUB, 1)
    hold_all(subject, waiting, 1)
    subject.back(r, [1, 2, 4], 1, count=False, delay=None)
    assert [("1", [2]), ("r", [3])] == kinds(subject)


@check
def dead_letters_make_room(subject: Subject) -> None:
    r = opened(subject, 1, tries=1)
    subject.put(SENDER, 1, [b"1", b"2"], 1)
    hold_all(subject, r, 1)
    subject.back(r, [1], 1, count=True, delay=None)
    assert [2] == [item.number for item in subject.snapshot().queue]
    assert (1, (2, 1, 0)) == (subject.snapshot().stored, subject.snapshot().counts)


@check
def dead_letters_are_revived_in_their_order(subject: Subject) -> None:
    r = opened(subject, 301, tries=1)
    subject.put(SENDER, 1, [b""] * 301, 1)
    hold_all(subject, r, 301)
    subject.back(r, range(1, 301), 1, count=True, delay=None)
    assert 300 == subject.revive([])
    assert list(range(1, 301)) == [item.number for item in subject.snapshot().queue]


@check
def closed_channel_revives_nothing(subject: Subject) -> None:
    r = opened(subject, tries=1)
    subject.put(SENDER, 1, [b"1", b"2"], 1)
    hold_all(subject, r, 2)
    subject.back(r, [1], 1, count=True, delay=None)
    subject.close(None)
    assert 0 == subject.revive([])
    subject.put(OTHER, 1, [b"3"], 1)
    assert 1 == subject.snapshot().stored


@check
def repeats_change_nothing(subject: Subject) -> None:
    r = opened(subject, 2)
    for stored in (2, 3):  # what was withdrawn counts, too
        assert [1, stored] == subject.put(SENDER, 1, [b"1", b"2", b"3"], 1)
        assert subject.withdraw(SENDER, 3, 1)
        assert not subject.withdraw(SENDER, 2, 1)
    assert (3, 3) == subject.snapshot().senders[SENDER]
    assert [1, 2] == taken(subject, r, 3)
    subject.receivers[r].chunk, subject.receivers[r].receipt = 0, 1  # as if the reply had been lost
    code, items = subject.take(r, 1, 3, (), 1, again=True, whole_chunks=False)
    assert (1, [1, 2]) == (code, [item.number for item in items])


@check
def asking_again_has_only_what_was_missed(subject: Subject) -> None:
    r = opened(subject)
    subject.put(SENDER, 1, [b"1"], 1)
    subject.put(SENDER, 2, [b"2"], 1)
    assert [1] == taken(subject, r, 1)
    before = subject.receivers[r].chunk, subject.receivers[r].receipt
    assert [2] == taken(subject, r, 1)
    subject.receivers[r].chunk, subject.receivers[r].receipt = before
    code, items = subject.take(r, 2, 3, (), 1, again=True, whole_chunks=False)
    assert (1, [2]) == (code, [item.number for item in items])
    assert [[2], []] == [
        [item.number for item in held or ()]
        for first in (2, 3)
        for held in subject.resume(HUB, 1, 1, [(r, first)], [])[0]
    ]


@check
def receiver_with_a_longer_number_still_waits(subject: Subject) -> None:
    r = opened(subject)
    others = [subject.register(HUB, 1) for _ in range(10)]
    for each in (r, *others):
        hold_all(subject, each, 1)
    subject.leave(r, 1)
    assert [(each, 1) for each in others] == subject.snapshot().line


@check
def dead_letters_are_revived_while_there_is_room(subject: Subject) -> None:
    r = opened(subject, 3, tries=1)
    subject.put(SENDER, 1, [b"1", b"2"], 1)
    hold_all(subject, r, 2)
    subject.back(r, [1, 2], 1, count=True, delay=None)
    subject.put(OTHER, 1, [b"3", b"4"], 1)
    assert 1 == subject.revive([])
    assert (3, 1) == (subject.snapshot().stored, len(subject.snapshot().dead))
    assert 0 == subject.revive([])
