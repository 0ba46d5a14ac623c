"""Every schedule of small programs, on real tasks and futures.

To read in this order:

    programs.py   the language of the programs, one line each     verbs.py    what a verb calls, and how to add one
    catalogue.py  the programs, and their variants
    loop.py       the event loop whose steps are taken by hand
    world.py      one run of a program, decision by decision      probe.py    how it ends: who is stuck, what is left
    checks.py     what must be true of a run, with tests/ledger.py and the reference machine of tests/model
    search.py     every schedule or a sample, the shortest that fails, one again
    __main__.py   `python -m tests.explore`: the long run, one program, or one schedule with its steps
    sketch.py     a small channel with five faults, to test all of this
"""
