"""The type gate: what six type checkers must say, and must not say, about code that uses aiochannel.

`accept_*.py` and `reject_*.py` are the cases, `application/` is a program that uses the package, and
`wrong_application/` the same program, full of mistakes. Reading order: checkers, markers, run, matrix; then mutants,
which holds the cases to mistakes in the package's own annotations, and snapshot, which holds the public API to a file
that is read in review.
"""
