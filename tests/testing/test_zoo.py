"""Each fault of the zoo is found, soon, and on a real loop; the right programs are quiet."""

from math import inf

import pytest

from aiochannel.testing import explore, replay
from tests.testing.zoo import FAULTY, RIGHT, Program


@pytest.mark.parametrize("name", FAULTY)
def test_a_fault_is_found_within_its_number_and_shown_on_a_real_loop(name: str) -> None:
    faulty = FAULTY[name]
    report = explore(faulty.program, cancellations=faulty.cancellations, swallowing=faulty.swallowing, seconds=inf)
    assert report.failure is not None
    assert report.schedules <= faulty.within
    again = replay(faulty.program, report.failure.schedule)
    assert report.failure == again.failure
    assert any(finding.startswith(faulty.says) for finding in report.failure.findings), report


@pytest.mark.parametrize("program", RIGHT)
def test_a_right_program_is_played_to_the_end_without_a_finding(program: Program) -> None:
    report = explore(program, seconds=inf)
    assert report.failure is None, report
    assert report.complete
