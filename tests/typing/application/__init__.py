"""A program of an application team, as they would write it: link checking with a pool of workers."""
