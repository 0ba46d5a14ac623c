"""The contract as a machine of lists and ifs, and the real channel beside it."""
