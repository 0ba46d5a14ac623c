"""Search over schedules: every one, the fewest deviations first; a sample; the shortest that fails.

A game is one run whose every decision is taken from outside. At each point it has options; the first of them is the
default. A schedule is the list of its decisions, or as good, of its deviations: the points where it does not take the
default, with what it takes. Every schedule is played from the beginning, so nothing has to be copied or undone.

Nothing here knows what a decision does. A game is played by a function that asks `choose` at each point.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import Final, Protocol, TypeVar

P = TypeVar("P")
X = TypeVar("X")

CHANGES: Final = 2
"""How often a sampled schedule changes a priority: a fault that needs one order of three steps needs two."""


class Game(Protocol):
    """A run that waits for a decision."""

    def options(self) -> Sequence[str]:
        """Return what may be decided now, the default first.

        The search keeps the sequence. A game that learns later that an option leads nowhere else may take it out.
        """
        ...

    def mark(self) -> int:
        """Return a number that the decisions so far determine: if they do not, it is noticed."""
        ...


Choose = Callable[[Game], str]
Play = Callable[[Choose], P]


class Diverged(Exception):
    """A decision that a run offered before cannot be taken now: the game does not run the same way twice."""


class Script:
    """Takes given decisions, and then the default; what else could have been decided then is kept."""

    def __init__(
        self,
        prefix: Sequence[str] = (),
        marks: Sequence[int] = (),
        last_offer: Sequence[str] = (),
        deviations: Sequence[tuple[int, str]] = (),
    ) -> None:
        self.prefix = prefix
        self.known_marks = marks
        self.last_offer = last_offer
        self.deviations = deviations
        self.marks: list[int] = []
        self.taken: list[str] = []
        self.offered: list[Sequence[str]] = []

    def __call__(self, game: Game) -> str:
        """Decide."""
        place = len(self.taken)
        self.marks.append(mark := game.mark())
        if place < len(self.prefix):
            decision = self.prefix[place]
            if mark != self.known_marks[place] or place == len(self.prefix) - 1:
                self._check(game.options(), mark)
        else:
            options = game.options()
            self.offered.append(options)
            decision = options[0]
        self.taken.append(decision)
        return decision

    def _check(self, options: Sequence[str], mark: int) -> None:
        place = len(self.taken)
        if mark != self.known_marks[place]:
            raise Diverged(f"at point {place} it stood otherwise before the same decisions were taken again")
        for option in self.last_offer:
            if option not in options:
                raise Diverged(f"at point {place} {option!r} could be decided before, and cannot now")

    def variants(self) -> Iterator["Script"]:
        """Yield the schedules that have one deviation more, after all the others."""
        for place, options in enumerate(self.offered, len(self.prefix)):
            for other in options[1:]:
                deviations = [*self.deviations, (place, other)]
                yield Script([*self.taken[:place], other], self.marks, options, deviations)


def by_deviations(play: Play[P]) -> Iterator[tuple[Script, P]]:
    """Play every schedule once, in the order of the number of its deviations."""
    script = Script()
    yield script, play(script)
    level = [script]
    while level:
        parents, level = level, []
        for parent in parents:
            for script in parent.variants():
                yield script, play(script)
                level.append(script)


def depth_first(play: Play[P]) -> Iterator[tuple[Script, P]]:
    """Play every schedule once, in the order that keeps the fewest in memory."""
    stack = [iter([Script()])]
    while stack:
        script = next(stack[-1], None)
        if script is None:
            stack.pop()
        else:
            yield script, play(script)
            stack.append(script.variants())


class Priorities:
    """Decides at random: each subject has a rank, and the highest decides (probabilistic concurrency testing).

    The subject of an option is its last part: `start A` and `io A` have one rank. Some ranks change on the way. Options
    that begin with `rare` are taken at points drawn beforehand.
    """

    def __init__(self, source: Random, length: int, rare: str, times: int) -> None:
        self.source = source
        self.rare = rare
        self.ranks: dict[str, float] = {}
        self.changes = {source.randrange(length) for _ in range(CHANGES)}
        self.rare_places = sorted((source.randrange(length) for _ in range(times)), reverse=True)
        self.taken: list[str] = []
        self.deviations: dict[int, str] = {}

    def __call__(self, game: Game) -> str:
        """Decide."""
        options = game.options()
        decision = self._decide(options)
        if decision != options[0]:
            self.deviations[len(self.taken)] = decision
        self.taken.append(decision)
        return decision

    def _decide(self, options: Sequence[str]) -> str:
        place = len(self.taken)
        usual = [option for option in options if not option.startswith(self.rare)] or options
        rare = [option for option in options if option.startswith(self.rare)]
        if rare and self.rare_places and place >= self.rare_places[-1]:
            self.rare_places.pop()
            return self.source.choice(rare)
        if place in self.changes:
            self.ranks[_subject(max(usual, key=self._rank))] = -place
        return max(usual, key=self._rank)

    def _rank(self, option: str) -> float:
        subject = _subject(option)
        if subject not in self.ranks:
            self.ranks[subject] = self.source.random()
        return self.ranks[subject]


def _subject(option: str) -> str:
    return option.partition(" ")[2] or option


class Deviating:
    """Takes the default, but at given points. Not strict: a deviation that cannot be taken is left out."""

    def __init__(self, deviations: Mapping[int, str], *, strict: bool = True) -> None:
        self.wanted = deviations
        self.strict = strict
        self.place = 0
        self.deviations: dict[int, str] = {}

    def __call__(self, game: Game) -> str:
        """Decide."""
        options = game.options()
        decision = self.wanted.get(self.place, options[0])
        if decision not in options:
            if self.strict:
                raise Diverged(f"at point {self.place} {decision!r} is not one of {', '.join(options)}")
            decision = options[0]
        if decision != options[0]:
            self.deviations[self.place] = decision
        self.place += 1
        return decision


def shortest(items: Sequence[X], fails: Callable[[Sequence[X]], bool]) -> Sequence[X]:
    """Leave out whatever can be left out so that the rest still fails: the larger parts first."""
    size = max(1, len(items) // 2)
    while size:
        place, shorter = 0, False
        while place < len(items):
            attempt = [*items[:place], *items[place + size :]]
            if fails(attempt):
                items, shorter = attempt, True
            else:
                place += size
        size = size if shorter and size == 1 else size // 2
    return items
