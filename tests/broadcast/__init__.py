"""Small programs over one broadcast, under every schedule, and random ones.

world.py      a broadcast whose calls are noted, with the reference of tests/model/subscriptions.py beside it
programs.py   the hard cases
chance.py     programs at random
__main__.py   `python -m tests.broadcast`: the long run
"""
