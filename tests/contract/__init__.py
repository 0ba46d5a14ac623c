"""What every kind of channel does: exact calls, order, closing, leaving. kinds.py says which kinds there are.

What CPython asks of a Queue in QueueBasicTests, QueueGetTests and QueuePutTests of Lib/test/test_asyncio/test_queues.py
(3.11 to 3.13) is asked here of every kind, but for private attributes, formats and a float as maxsize.
"""
