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
        self.taken: list[str] = [*prefix]
        self.marks: list[int] = [*marks]
        self.last_offer = last_offer
        self.deviations = deviations
        self.given: int = len(prefix)
        self.place: int = 0
        self.offered: list[Sequence[str]] = []  # from the first point on that was not given

    def __call__(self, game: Game) -> str:
        """Decide."""
        place = self.place
        self.place = place + 1
        mark = game.mark()
        if place < self.given:
            if mark != self.marks[place]:
                raise Diverged(f"at point {place} it stood otherwise before the same decisions were taken again")
            if self.place == self.given:
                self._compare(game.options())
            return self.taken[place]
        options = game.options()
        self.offered.append(options)
        self.marks.append(mark)
        decision = options[0]
        self.taken.append(decision)
        return decision

    def _compare(self, options: Sequence[str]) -> None:
        for option in self.last_offer:
            if option not in options:
                raise Diverged(f"at point {self.given - 1} {option!r} could be decided before, and cannot now")

    def variants(self, *, last_place_first: bool = False) -> Iterator["Script"]:
        """Yield the schedules that have one deviation more, after all the others."""
        places = range(self.given, len(self.taken))
        for place in reversed(places) if last_place_first else places:
            options = self.offered[place - self.given]
            for other in options[1:]:
                taken, marks = [*self.taken[:place], other], self.marks[: place + 1]
                yield Script(taken, marks, options, [*self.deviations, (place, other)])


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
    """Play every schedule once, in the order of the options at the first point where two differ.

    No more is kept in memory than the schedules that the present one came from.
    """
    stack = [iter([Script()])]
    while stack:
        script = next(stack[-1], None)
        if script is None:
            stack.pop()
        else:
            yield script, play(script)
            stack.append(script.variants(last_place_first=True))


class Priorities:
    """Decides at random: each subject has a rank, and the highest decides (probabilistic concurrency testing).

    The subject of an option is its last part: `start A` and `io A` have one rank. Some ranks change on the way. Options
    that begin with `rare` are taken at points drawn beforehand.
    """

    def __init__(self, source: Random, length: int, rare: str, times: int) -> None:
        self.source = source
        self.rare = rare
        self.ranks: dict[str, float] = {}
        self.changes: set[int] = {source.randrange(length) for _ in range(CHANGES)}
        self.rare_places: list[int] = sorted((source.randrange(length) for _ in range(times)), reverse=True)
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
        self.place: int = 0
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
