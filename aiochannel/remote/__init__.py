"""Channels between processes and machines: the part that knows no server.

Reading order: errors, broker (what a server must do), statistics.
"""
