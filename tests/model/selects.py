"""select as a sequential machine, over the machines of the channels.

A select that waits has an arm in the line of every channel concerned. The channel that wakes an arm takes the select's
other arms out of their lines in the same step. The cases are tried in their order, as with `biased=True`.
"""

from typing import NamedTuple

from typing_extensions import override

from tests.model.reference import CANCELLED, FAILED, WAITS, Outcome, Reference, Ticket


class CaseText(NamedTuple):
    """One case: `get`, `put`, `closed` or `otherwise`; with `or_closed`, a closed channel gives the word `instead`.

    `mapped` is `map` where the case's result is changed by a function, and `fail` where that raises.
    """

    channel: str
    verb: str
    item: object = None
    or_closed: bool = False
    mapped: str = ""

    def change(self, result: object) -> object:
        if self.mapped == "fail":
            raise Failed
        return (self.mapped, result)


class Failed(Exception):
    """The function of a mapped case raised."""


class Arm(Ticket):
    def __init__(self, machine: Reference, position: int, case: CaseText) -> None:
        super().__init__(case.verb, [case.item] if case.verb == "put" else [], 1)
        self.machine = machine
        self.position = position
        self.case = case

    def ready(self) -> Outcome | None:
        """Carry the case out, if that can be done at once."""
        if self.verb == "closed":
            return self.finish() if self.machine.closed else None
        if self.verb == "put":
            if self.machine.closed or self.machine.room() or self.machine.policy:
                return self.finish()
        elif self.machine.drained() or self.machine.unpromised():
            return self.finish()
        return None

    def finish(self) -> Outcome:
        ended = self.machine.closed if self.verb == "put" else self.verb == "get" and self.machine.drained()
        if self.case.mapped == "fail" and not ended:
            return FAILED  # and nothing has happened
        if self.verb == "closed":
            done = Outcome("ok")
        else:
            done = self.machine.append(0, self) if self.verb == "put" else self.machine.get(0, self)
        if done.word == "closed" and self.case.or_closed:
            done = Outcome("ok", "instead")
        elif done.word == "ok" and self.case.mapped:
            done = Outcome("ok", self.case.change(done.value))
        return Outcome("ok", (self.position, done.value)) if done.word == "ok" else done

    def park(self) -> None:
        machine = self.machine
        line = {"put": machine.puts, "get": machine.gets, "closed": machine.watchers}[self.verb]
        if not any(other in line for other in self.others):
            self.state = "waits"
            line.append(self)
            machine.settle()

    @override
    def leave(self) -> None:
        for line in (self.machine.gets, self.machine.puts, self.machine.watchers):
            if self in line:
                line.remove(self)


class Selects:
    """Takes the same steps as a `Reference`, for calls whose value is a tuple of cases."""

    def __init__(self, machines: dict[str, Reference]) -> None:
        self.machines = machines
        self.arms: dict[int, list[Arm]] = {}

    def begin(self, number: int, value: object) -> Outcome:
        assert isinstance(value, tuple)
        otherwise: Outcome | None = None
        arms: list[Arm] = []
        for position, case in enumerate(value):
            assert isinstance(case, CaseText)
            if case.verb == "otherwise":
                otherwise = Outcome("ok", (position, None))
                continue
            arm = Arm(self.machines[case.channel], position, case)
            if outcome := arm.ready():
                return outcome
            arms.append(arm)
        if otherwise:
            return otherwise
        for arm in arms:
            arm.others = [other for other in arms if other is not arm]
        for arm in arms:
            arm.park()
        self.arms[number] = arms
        return WAITS

    def cancel(self, number: int) -> None:
        if number in self.arms and self.woken(number) is None:
            for arm in self.arms[number]:
                if arm.state == "waits":
                    arm.state = "cancelled"

    def woken(self, number: int) -> Arm | None:
        return next((arm for arm in self.arms[number] if arm.state in ("promised", "granted", "told")), None)

    def resume(self, number: int, *, cancelled: bool) -> Outcome | None:
        woken = self.woken(number)
        if woken is None and not cancelled:
            return None
        arms = self.arms.pop(number)
        for arm in arms:
            arm.leave()
        outcome = CANCELLED if cancelled or woken is None else woken.finish()
        for arm in arms:
            arm.machine.settle()
        return outcome
