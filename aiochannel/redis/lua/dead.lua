#!lua flags=allow-oom,no-writes
-- limit: dead letters, the oldest first.
--#prelude
if ARGV[1] == '0' then return {1} end
return extend({1}, call('LRANGE', d, 0, ARGV[1] - 1))
