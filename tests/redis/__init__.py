"""Remote channels on real servers, and the scripts beside the model of `aiochannel.remote.memory`."""
