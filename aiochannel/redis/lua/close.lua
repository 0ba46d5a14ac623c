#!lua flags=allow-oom
-- cause: close for ever; puts that wait are refused.
--#prelude
if closed then return {0} end
closed, cause = '1', ARGV[1]
call('HSET', m, 'closed', 1, 'cause', cause)
call('DEL', p)
event('closed')
settle()
return {1}
