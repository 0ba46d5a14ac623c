#!lua flags=allow-oom
-- Remove the channel.
--#prelude
call('DEL', unpack(KEYS))
event('deleted')
return {1}
