"""Remote channels on a server within the process, by the rules of docs/remote-contract.md and the hard cases, by name.

world.py     hubs of one server whose connections are cut, and a broker that loses calls on purpose
programs.py  small programs for the explorer
chance.py    programs at random
__main__.py  `python -m tests.remote`: the long run

Every test runs with a virtual clock: none sleeps, and one in which nothing can go on fails with a Deadlock.
"""
