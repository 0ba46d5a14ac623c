"""The type gate: what six type checkers must say, and must not say, about code that uses aiochannel.

accept_*.py and reject_*.py are the cases, application/ is a program that uses the installed wheel, and wrong_application/
the same program full of mistakes. `run` holds each checker to the markers in them, `mutants` holds the cases to mistakes in the
package's own annotations, `snapshot` holds the public API to a file that is read in review.
"""
