# What is used of aiochan, which has no annotations.

from .channel import Chan as Chan
