"""The long run of the scripts: examples of the state machine on every server, and every mutant; prints the figures.

python -m tests.redis --examples 2000
python -m tests.redis --mutants word      mutants whose text has the word, and who notices each
"""

import argparse
import sys
import time

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.redis.machine import PROVE, ScriptMachine
from tests.redis.mutants import MUTANTS, noticed
from tests.servers import MISSING, programs, serving


def run_model(examples: int) -> bool:
    for program in programs():
        begin = time.perf_counter()
        ScriptMachine.totals.clear()
        with serving(program, "--appendonly", "no") as ScriptMachine.server:
            run_state_machine_as_test(ScriptMachine, settings=settings(PROVE, max_examples=examples))
        totals = ScriptMachine.totals
        took = time.perf_counter() - begin
        print(f"{program.name}: {totals['examples']} examples, {totals['steps']} steps as the model's, in {took:.0f} s")
    return True


def run_mutants(words: list[str], examples: int) -> bool:
    chosen = [mutant for mutant in MUTANTS if all(word in str(mutant) for word in words)]
    missed = []
    begin = time.perf_counter()
    for mutant in chosen:
        with serving(programs()[0], "--appendonly", "no") as server:  # its script may run for ever
            by = noticed(mutant, server, examples)
        if not by:
            missed.append(mutant)
        if words or not by:
            print(f"{mutant}: {by or 'NOT NOTICED'}", flush=True)
    print(f"{len(chosen) - len(missed)} of {len(chosen)} mutants noticed, in {time.perf_counter() - begin:.0f} s")
    return not missed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.redis")
    parser.add_argument(
        "--examples",
        type=int,
        default=PROVE.max_examples,
        help="on each server; a quarter on a mutant",
    )
    parser.add_argument("--mutants", nargs="*", help="no examples, only mutants; those with all these words")
    arguments = parser.parse_args()
    if not programs():
        print(MISSING)
        return 1
    words: list[str] | None = arguments.mutants
    done = words is not None or run_model(arguments.examples)
    return 0 if run_mutants(words or [], arguments.examples // 4) and done else 1


if __name__ == "__main__":
    sys.exit(main())
