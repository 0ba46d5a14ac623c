"""Channels between threads: struck by signals at every place, played in every order, and run with real threads.

`calls` has the calls as their sections, `strikes` raises at every place of a call, `orders` plays the sections of
several calls in every order, `storm` and `stress` use real signals, threads and loops.
"""
