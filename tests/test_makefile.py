"""The commands that make would run where running them takes a quarter of an hour."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OPTIONS = re.compile(r"( --loop \w+| --rounds \d+| --sizes \d+(,\d+)*| --few| --million)+ *")


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not there")
def test_bench_full_measures_each_python_on_each_loop_and_makes_the_page_of_all() -> None:
    made = subprocess.run(
        ["make", "-n", "bench-full", "VERSIONS=3.12 3.13"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    measured = dict(re.findall(r"benchmarks measure build/bench/(\S+)\.json(.*?)(?=&&|$)", made, re.MULTILINE))
    assert {"3.12-asyncio", "3.12-uvloop", "3.13-asyncio", "3.13-uvloop"} == set(measured)
    assert [] == [options for options in measured.values() if not OPTIONS.fullmatch(options)]
    (page,) = re.findall(r"benchmarks page (.*) --into docs", made)
    assert sorted(page.split()) == sorted(f"build/bench/{name}.json" for name in measured)
