"""What a ThreadChannel is made of. Its names are private.

Reading order: hosts (how a call is told in its thread or loop), waits (who waits), shared (the lock, the repair, the
end of a loop), sections (the steps of the calls), blocked and awaited (calls that wait), blocking (what a thread
sees), operations (what select asks).
"""
