"""Speed and memory of channels, measured beside every peer. See `__main__` for how to run it."""
