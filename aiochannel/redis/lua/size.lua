#!lua flags=allow-oom,no-writes
-- How many items are stored.
--#prelude
return {1, n}
