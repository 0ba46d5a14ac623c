"""The mistakes in annotations that `tests/typing/mutants.py` makes, which only `make prove` gives to the checkers."""

from pathlib import Path

import aiochannel
from tests.typing.mutants import MUTANTS

PACKAGE = Path(aiochannel.__file__).parent


def test_every_mistake_can_be_made() -> None:
    for mutant in MUTANTS:
        source = (PACKAGE / f"{mutant.module}.py").read_text(encoding="utf-8")
        compile(changed := mutant.apply(source), mutant.module, "exec")
        assert source != changed, mutant
