"""The page of violations: its words, and its tables from what was measured."""

import platform
import re
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

from tests.explore.search import Failure
from tools.peers import Peer
from tools.violations.adapter import rules

BARGES: Final = "a newcomer goes first"
OTHERWISE: Final = "not explained by the reference machine"
KINDS: Final = [
    "lost item", "duplicated item", "put raised, item received", "out of order", "accepted after close",
    "told closed too soon", "join too soon", "waits for ever", "wrong error", "internal error", "waiter left over",
    "complaint of the loop", "does not end",
]  # fmt: skip
DIFFER: Final = [BARGES, OTHERWISE]

HEAD: Final = """# The same explorer on other libraries

The [explorer](proof.md#the-explorer) plays small programs under every schedule of their steps and cancels, or under
a sample where there are too many. Here it plays the programs of its catalogue on other queues for asyncio, as far as
a queue has the verbs: put, get, put_nowait, get_nowait, close (or `shutdown`), and join where it waits for closed and
drained; with timeouts, groups and eager tasks around them. Python {python}; every schedule of a program that has up to
about {budget} of them, or else a sample of that size from seed 0.

```sh
make violations                      # writes this page
make violations-again                # tests the instrument; plays its schedules on asyncio's own event loop again
```

## Faults

In how many schedules each fault was seen. A fault breaks what any queue promises, whatever its design:

- *lost item*: its put returned, nobody received it, and it is not in the queue; *duplicated item*: received twice;
- *put raised, item received*: who puts it again after the exception has a duplicate;
- *out of order*: of two puts one after the other, the second's item was received first, by gets one after the other;
- *accepted after close*; *told closed too soon* (a get that began later received an item); *join too soon*;
- *waits for ever*: nothing runs any more, and a put waits beside room, a get beside an item, or either though closed;
- *wrong error*: a call that may wait was told that the queue is full or empty; *internal error*: an exception other
  than closed, full, empty and cancelled;
- *waiter left over*: every call is over, and the queue still keeps or counts one that waited;
- *complaint of the loop*: "exception was never retrieved" and the like; *does not end*: it runs for ever.

Calls are intervals: what may have happened while two calls overlapped is no fault, though this package promises more.
Tasks are cancelled by `task.cancel()`, as `asyncio.timeout`, `asyncio.wait_for` and `asyncio.TaskGroup` do it; anyio's
own cancel scopes were not explored. For anyio, *accepted after close* counts only puts that began after it: a receiver
carries out a put that waits, and its task goes on later. This package alone was asked to keep the rest of
[its contract](contract.md) too, and to be freed at once when it is dropped; its row counts every violation of that.
"""

DIFFERENCES: Final = """
Kinds without a column were looked for and not seen. A nought means these programs and these schedules, and no more.

## Differences of design

No faults: a queue may well choose so. *A newcomer goes first*: a call that did not wait took the item or the room of
one that did, or a woken task waited again. It is not looked for where a call suspends even when it need not wait
(anyio, janus), since who waits cannot be told from outside then. *Not explained by the reference machine*: whatever
differs from the contract of this package, its rule of capacity above all, by which a waiting receiver is room for one
more item. Every call of anyio suspends, so none of its schedules is explained.
"""

EXAMPLES: Final = """
## One schedule of each fault

The shortest that was found and that asyncio's own event loop shows as well. (A number in parentheses above: seen on the
explorer's loop, and no schedule of it could be shown on asyncio's, so it is not claimed.) A lane is a task; `A1` is the
first item that lane A puts. The second block is the schedule: a lane's name lets it begin its next call, `run` lets the
loop run once; then everything runs to its end, who still waits is cancelled, and the queue is drained and closed.
"""


class Example(NamedTuple):
    kind: str
    failure: Failure
    text: str

    def line(self, peer: Peer) -> str:
        """What `--reproduce` reads."""
        script = self.failure.program
        decisions = ", ".join(self.failure.decisions) or "end"
        return f"{peer.title}; {self.kind}; {script.text}; {script.size}; {decisions}"


class Row(NamedTuple):
    peer: Peer
    programs: int
    schedules: int
    counts: Counter[str]
    examples: list[Example]


def page(rows: list[Row], budget: int) -> str:
    kinds = [kind for kind in KINDS if any(row.counts[kind] for row in rows)]
    lines = [
        HEAD.format(python=platform.python_version(), budget=budget),
        "| | programs | schedules | " + " | ".join(kinds) + " |",
        "|---|" + "---:|" * (len(kinds) + 2),
    ]
    for row in rows:
        claimed = {example.kind for example in row.examples}
        cells = [
            f"{row.counts[kind]:,}" if not row.counts[kind] or kind in claimed else f"({row.counts[kind]:,})"
            for kind in kinds
        ]
        lines.append(f"| {row.peer.title} | {row.programs} | {row.schedules:,} | " + " | ".join(cells) + " |")
    lines += [DIFFERENCES, "| | " + " | ".join(DIFFER) + " |", "|---|" + "---:|" * len(DIFFER)]
    for row in rows:
        cells = [
            "not looked for" if rules(row.peer).suspends and kind == BARGES else f"{row.counts[kind]:,}"
            for kind in DIFFER
        ]
        lines.append(f"| {row.peer.title} | " + " | ".join(cells) + " |")
    lines.append(EXAMPLES)
    for row in rows:
        for example in row.examples:
            script = example.failure.program
            lines += [
                f"### {row.peer.title}: {example.kind}\n",
                f"`{script.text}`, {script.describe().partition('  [')[2].partition(',')[0]}. {example.text}.\n",
                "```text",
                *example.failure.trace,
                "```\n",
                "```text",
                example.line(row.peer),
                "```\n",
            ]
    return "\n".join(lines).rstrip() + "\n"


LINE: Final = re.compile(r"([^;]+); ([^;]+); ([^;]+); (-?\d+); ([^;]+)")


class Claim(NamedTuple):
    """One schedule of the page."""

    peer: str
    kind: str
    text: str
    size: int
    decisions: list[str]


def claims(path: Path) -> list[Claim]:
    found: list[Claim] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := LINE.fullmatch(line):
            peer, kind, text, size, decisions = match.groups(default="")
            found.append(Claim(peer, kind, text, int(size), decisions.split(", ")))
    return found
