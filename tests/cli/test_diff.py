"""``archgraph diff`` and ``archgraph studio`` on the command line."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from archgraph.cli import main

EXAMPLES = Path(__file__).parents[2] / "examples"
LENET = EXAMPLES / "lenet5.graph.json"


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """LeNet-5 with more filters, another node, and one less."""
    value = json.loads(LENET.read_text("utf-8"))
    value["nodes"]["c3"]["filters"] = 20
    value["nodes"]["s4"]["in"] = "bend"
    value["nodes"]["bend"] = {"op": "activation", "in": "c3", "activation": "relu"}
    path = tmp_path / "other.graph.json"
    path.write_text(json.dumps(value))
    return path


def test_equal_graphs_have_no_difference_however_they_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    value = json.loads(LENET.read_text("utf-8"))
    value["nodes"] = dict(reversed(value["nodes"].items()))
    (tmp_path / "turned.graph.json").write_text(json.dumps(value, indent=7))
    assert main(["diff", str(LENET), str(tmp_path / "turned.graph.json")]) == 0
    assert capsys.readouterr().out == "no difference\n"


def test_differences_have_status_1_shapes_and_parameters(other: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", str(LENET), str(other)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "~ c3  filters 16 → 20; (10, 10, 16) → (10, 10, 20); +604 parameters" in lines
    assert "~ s4  in c3 → bend; (5, 5, 16) → (5, 5, 20)" in lines and "+ bend  activation" in lines
    assert "> c5  +12,000 parameters" in lines


def test_machines_get_json(other: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "--json", str(LENET), str(other)]) == 1
    found = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert found["c3"]["parameters"] == {"old": 2416, "new": 3020} and found["bend"]["change"] == "added"


def test_variants_of_one_file_can_be_compared(capsys: pytest.CaptureFixture[str]) -> None:
    path = EXAMPLES / "resnet.graph.json"
    assert main(["diff", f"{path}#resnet50", f"{path}#resnet101"]) == 1
    assert "> stage3" in capsys.readouterr().out


def test_git_may_give_seven_arguments(other: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["net.graph.json", str(LENET), "0" * 40, "100644", str(other), "0" * 40, "100644"]
    assert main(["diff", "--git", *arguments]) == 0
    assert capsys.readouterr().out.startswith("graph net.graph.json\n")
    assert main(["diff", "--git", "new.graph.json", "/dev/null", ".", ".", str(LENET), "0" * 40, "100644"]) == 0
    assert "+ c1  conv" in capsys.readouterr().out


def test_what_is_no_graph_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.graph.json").write_text("[]")
    assert main(["diff", str(LENET), str(tmp_path / "x.graph.json")]) == 1
    assert main(["diff", str(LENET)]) == 2
    assert "takes two files" in capsys.readouterr().err


def test_the_studio_refuses_what_is_no_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["studio", str(LENET)]) == 2
    assert "not a folder" in capsys.readouterr().err


def test_the_studio_answers_on_this_computer_alone_and_ends_when_it_is_told(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "archgraph", "studio", str(tmp_path), "--port", str(port), "--no-browser"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        end = time.time() + 90
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2) as answer:
                    assert answer.read() == b"ok"
                break
            except OSError:
                assert server.poll() is None and time.time() < end
                time.sleep(0.2)
        bound = Path("/proc/net/tcp").read_text("ascii") if Path("/proc/net/tcp").exists() else ""
        wanted = f":{port:04X}"
        listening = [row.split()[1] for row in bound.splitlines()[1:] if row.split()[3] == "0A"]
        assert all(one == f"0100007F{wanted}" for one in listening if one.endswith(wanted))
    finally:
        server.terminate()
        assert server.wait(20) in (0, -15)
