"""Whatever a file holds: no traceback, every message placed, two seconds and 500 MB at most."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

PROGRAM = """
import json, re, sys, time
from archgraph.analysis.check import check
from archgraph.diagnostics import GraphError
from archgraph.document.reader import read
from tests.mutants import mutants

def findings(text):
    try:
        return check(read(text))
    except GraphError as error:
        return error.diagnostics

slowest, bad, unplaced = 0.0, 0, []
for number, text in enumerate(mutants(int(sys.argv[1]), int(sys.argv[2]))):
    start = time.process_time()
    found = findings(text)
    slowest = max(slowest, time.process_time() - start)
    bad += any(d.severity == "error" for d in found)
    unplaced += [str(d) for d in found if not d.line or not d.code or len(str(d).splitlines()) > 2]
print(json.dumps({
    "bad": bad, "slowest": slowest, "unplaced": unplaced[:5],
    # Not ru_maxrss: a child begins with its parent's.
    "megabytes": int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024,
    "tensorflow": "tensorflow" in sys.modules or "keras" in sys.modules,
}))
"""


@pytest.mark.parametrize("seed", [1, 2])
def test_ten_thousand_bad_files_are_answered(seed: int) -> None:
    count = 5_000
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(count), str(seed)], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert run.returncode == 0, run.stderr[-3000:]
    result = json.loads(run.stdout)
    assert result["unplaced"] == []
    assert result["bad"] > 0.8 * count, "most mutants should be faulty, or this tests little"
    assert result["slowest"] < 2
    assert result["megabytes"] < 500
    assert not result["tensorflow"]
