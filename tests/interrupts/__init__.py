"""What a signal handler or a finalizer may do in the middle of a call.

CPython runs signal handlers, and from 3.12 on the collector of cyclic garbage, at certain instructions: on entry of a
Python function, after most calls, on a jump backwards. Here each scenario (a few calls on one or two channels) is
played once for each such place, with an action at that place: a close, a put, a get, an abort, a KeyboardInterrupt, or
the collection of garbage whose finalizers do the same. After each run the channel has to be as good as new.

To read in this order:

    places.py      how the interpreter itself says where the places are, and how an action gets there
    scenarios.py   what is interrupted: the language, and the catalogue
    actions.py     what is done at a place
    calls.py       what a step calls
    world.py       one run: the channels, the loop, the steps, the interruption
    ending.py      what must be true after a run
    player.py      every place of a scenario, under every action
    __main__.py    `python -m tests.interrupts`: the long run, or one case
    broadcasts.py  a broadcast in the place of the channel: `python -m tests.interrupts --broadcast`
    sketch.py      two channels with faults, to test all of this
"""
