"""The speed of remote channels beside their peers: one process puts, one takes, and one is the server.

Reading order: plans (what a process is told), peers and ours (how to put and to take), worker (a process), processes
(a measurement), workloads, goals, report.
"""
