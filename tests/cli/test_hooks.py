"""The hooks that other repositories use with pre-commit."""

import re
import shlex
from pathlib import Path

import pytest

from archgraph.cli import main

ROOT = Path(__file__).parents[2]
HOOKS = re.findall(
    r"- id: (\S+)\n  name: .+\n  description: .+\n  entry: archgraph (.+)\n  language: python\n  files: (.+)\n",
    (ROOT / ".pre-commit-hooks.yaml").read_text(),
)


def test_there_are_two_hooks():
    assert [name for name, _, _ in HOOKS] == ["archgraph-check", "archgraph-fmt"]


@pytest.mark.parametrize(("name", "entry", "files"), HOOKS)
def test_a_hook_accepts_the_files_it_asks_for(name, entry, files, capsys, tmp_path):
    example = ROOT / "examples" / "mlp.graph.json"
    assert re.search(files, example.name) and re.search(files, "mlp.train.json") and not re.search(files, "a.json")
    copy = tmp_path / example.name
    copy.write_bytes(example.read_bytes())
    assert main([*shlex.split(entry), str(copy)]) == 0
    assert capsys.readouterr() == ("", "") and copy.read_bytes() == example.read_bytes()
