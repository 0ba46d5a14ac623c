"""The explorer of `tests.explore` on other libraries: a schedule for each fault it finds, in docs/violations.md."""
