"""What is in `typing` on newer Pythons: with one of these the package needs nothing else."""

import sys

if sys.version_info >= (3, 13):
    from typing import TypeIs, override
else:
    from typing_extensions import TypeIs, override

__all__ = ["TypeIs", "override"]
