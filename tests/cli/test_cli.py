"""The command line: what each command prints and returns, for people and for machines."""

import io
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from archgraph.cli import COMMANDS, main
from archgraph.cli.new import templates
from archgraph.vocabulary import REGISTRY, Family

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
LENET, RESNET = str(EXAMPLES / "lenet5.graph.json"), str(EXAMPLES / "resnet50.graph.json")
GOOD = """{
  "archgraph": 1,
  "name": "good",
  "params": {"units": 3},
  "inputs": {"x": {"shape": [4]}},
  "variants": {"narrow": {}, "wide": {"units": 30}},
  "nodes": {
    "fc": {"op": "dense", "in": "x", "units": "=units"}
  },
  "outputs": {"y": "fc"}
}
"""
DEAD = GOOD.replace('"fc": {', '"dead": {"op": "flatten", "in": "x"},\n\n    "fc": {')
BAD = GOOD.replace('"in": "x"', '"in": "x", "padding": "same"')


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def cli(capsys, *arguments: str) -> tuple[int, str, str]:
    status = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err


# ---- the whole


def program(*arguments: str, **options) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"} | options.pop("env", {})
    return subprocess.run(
        [sys.executable, "-m", "archgraph", *arguments], capture_output=True, env=environment, **options
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_teaches_with_examples(command, capsys):
    status, out, err = cli(capsys, command, "--help")
    assert (status, err) == (0, "")
    assert "examples:" in out and f"  archgraph {command}" in out


def test_help_lists_every_command_and_the_exit_statuses(capsys):
    status, out, _ = cli(capsys, "--help")
    assert status == 0
    assert re.findall(r"^    ([a-z-]+)\s+[a-z]", out, re.MULTILINE) == list(COMMANDS)
    assert "0 fine · 1 a file was refused · 2 the command was misused · 130 interrupted" in out


def test_the_version_is_printed(capsys):
    assert cli(capsys, "--version")[:2] == (0, "archgraph 0.1.0\n")


MISUSED = {
    "no command": [],
    "unknown command": ["chekc"],
    "unknown option": ["check", "--nope"],
    "no file": ["summary"],
    "bad number": ["summary", LENET, "--batch-size", "0"],
    "huge number": ["check", LENET, "--max-nodes", "9" * 5_000],
    "set without a value": ["summary", LENET, "--set", "classes"],
    "set to an object": ["summary", RESNET, "--set", 'classes={"a": 1}'],
    "unknown op": ["ops", "cnov"],
    "unknown template": ["new", "lenet"],
    "template without that parameter": ["new", "lenet5", "--set", "classes=3"],
    "template without an experiment": ["new", "resnet50", "--train"],
    "new file of another kind": ["new", "lenet5", "-o", "net.json"],
    "model of another kind": ["compile", LENET, "-o", "net.h5"],
    "an empty folder": ["check", "empty"],
    "a pattern that matches nothing": ["fmt", "*.nothing"],
    "run and resume at once": ["train", "a.train.json", "--run-dir", "a", "--resume"],
    "a folder as experiment": ["train", "empty"],
}


@pytest.mark.parametrize("case", MISUSED)
def test_a_misused_command_ends_with_status_2_and_changes_nothing(case, capsys, folder):
    (folder / "empty").mkdir()
    status, out, err = cli(capsys, *MISUSED[case])
    assert status == 2
    assert (err or out) and "Traceback" not in err
    assert [path.name for path in folder.rglob("*")] == ["empty"]


REFUSED = {
    "missing file": (["summary", "nope.graph.json"], "AG109"),
    "no JSON": (["render", "broken.graph.json"], "AG101"),
    "missing variant": (["summary", "good.graph.json#large"], "AG411"),
    "missing parameter": (["summary", "good.graph.json", "--set", "width=3"], "AG401"),
    "parameter out of bounds": (["render", "good.graph.json", "--set", "units=0"], "AG201"),
    "too many nodes": (["summary", RESNET, "--max-nodes", "100"], "AG501"),
    "picture format": (["render", "good.graph.json", "-o", "a.bmp"], "AG109"),
    "unwritable picture": (["render", "good.graph.json", "-o", "no/a.svg"], "AG109"),
    "unwritable schema": (["schema", "--write", "no"], "AG109"),
    "existing file": (["new", "lenet5", "-o", "good.graph.json"], "AG109"),
    "migrating no graph": (["migrate", "list.graph.json"], "AG202"),
    "future version": (["migrate", "future.graph.json"], "AG207"),
    "graph without an experiment": (["train", "good.graph.json"], "AG109"),
    "missing experiment": (["train", "nope.train.json"], "AG109"),
    "no run": (["predict", "nope", "a.png"], "AG704"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_file_ends_with_status_1_a_line_for_each_cause_and_nothing_written(case, capsys, folder):
    files = {
        "good": GOOD, "broken": '{"archgraph": 1,', "list": "[]",
        "future": GOOD.replace('"archgraph": 1', '"archgraph": 99'),
    }  # fmt: skip
    for name, text in files.items():
        (folder / f"{name}.graph.json").write_text(text)
    arguments, code = REFUSED[case]
    status, _, err = cli(capsys, *arguments)
    assert status == 1
    assert re.match(rf"\S+ \S+: {code} ", err) and "Traceback" not in err
    assert {path.name for path in folder.iterdir()} == {f"{name}.graph.json" for name in files}
    assert (folder / "good.graph.json").read_text() == GOOD


LIGHT = [
    ["check", str(EXAMPLES)],
    ["fmt", "--check", LENET],
    ["summary", RESNET],
    ["summary", RESNET, "--json"],
    ["render", LENET, "--format", "svg"],
    ["ops", "conv"],
    ["ops"],
    ["schema"],
    ["new"],
    ["migrate", "--check", LENET],
]


@pytest.mark.parametrize("arguments", LIGHT, ids=" ".join)
def test_what_only_reads_imports_no_keras(arguments):
    code = (
        f"from archgraph.cli import main\nassert main({arguments!r}) == 0\nimport sys\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    loaded = set(done.stderr.split())
    assert not loaded & {"tensorflow", "keras", "matplotlib"}
    assert "rich" not in loaded or arguments[0] in ("summary", "ops", "new")


def test_help_loads_neither_the_vocabulary_nor_any_command():
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "archgraph", "--help"], capture_output=True, text=True, cwd=ROOT
    )
    loaded = set(re.findall(r"\| +(archgraph\S*)$", done.stderr, re.MULTILINE))
    assert loaded <= {"archgraph", "archgraph.cli", "archgraph.diagnostics", "archgraph.__main__"}


def test_python_m_archgraph_is_the_command():
    done = program("check", LENET, "--format", "json")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"[]\n", b"")


@pytest.mark.parametrize("arguments", [["ops"], ["schema"], ["render", RESNET], ["summary", RESNET, "--nodes"]])
def test_a_reader_who_leaves_early_is_no_error(arguments):
    process = subprocess.Popen(
        [sys.executable, "-m", "archgraph", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    )
    process.stdout.close()
    with process.stderr:
        err = process.stderr.read()
    assert (process.wait(60), err) == (141, b"")


def on_a_terminal(*arguments: str, **environment: str) -> str:
    """What a command prints on a terminal."""
    parent, child = pty.openpty()
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TERM")}
    process = subprocess.Popen(
        [sys.executable, "-m", "archgraph", *arguments], stdin=child, stdout=child, stderr=child, cwd=ROOT,
        env={**kept, "TERM": "xterm", "COLUMNS": "100", **environment},
    )  # fmt: skip
    os.close(child)
    told = b""
    try:
        while chunk := os.read(parent, 4096):
            told += chunk
    except OSError:  # Linux tells in this way that the other end is closed
        pass
    os.close(parent)
    process.wait(30)
    return told.decode()


@pytest.mark.parametrize("arguments", [["check", "nope.graph.json"], ["summary", LENET]])
def test_colour_is_for_terminals_and_can_be_refused(arguments, capsys):
    assert re.search(r"\x1b\[[\d;]*3[1-7]|\x1b\[1m", on_a_terminal(*arguments))
    assert not re.search(r"\x1b\[[\d;]*3[1-7]m", on_a_terminal(*arguments, NO_COLOR="1"))
    _, out, err = cli(capsys, *arguments)
    assert "\x1b" not in out + err


def test_an_interrupted_command_ends_with_status_130(capsys, monkeypatch):
    def interrupted(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("archgraph.cli.ops.run", interrupted)
    assert cli(capsys, "ops")[0] == 130


# ---- check


def test_check_finds_no_faults_in_the_examples(capsys):
    count = sum(path.name.endswith((".graph.json", ".train.json")) for path in EXAMPLES.iterdir())
    assert cli(capsys, "check", EXAMPLES) == (0, f"{count} files checked: no faults\n", "")


def test_check_prints_one_line_for_each_cause_with_its_place(capsys, folder):
    (folder / "bad.graph.json").write_text(BAD)
    status, out, err = cli(capsys, "check", "bad.graph.json")
    assert status == 1
    assert err.startswith("bad.graph.json:8:38 /nodes/fc/padding: AG203 unknown key")
    assert out == "1 file checked: 1 error\n"


def test_check_looks_at_every_variant_or_at_the_one_that_is_named(capsys, folder):
    (folder / "net.graph.json").write_text(GOOD.replace('"wide": {"units": 30}', '"wide": {"units": 0}'))
    assert cli(capsys, "check", "net.graph.json")[0] == 1
    assert cli(capsys, "check", "net.graph.json#narrow")[0] == 0


def test_check_for_machines_is_a_list_of_objects(capsys, folder):
    (folder / "bad.graph.json").write_text(BAD)
    status, out, err = cli(capsys, "check", "--format", "json")
    (finding,) = json.loads(out)
    assert (status, err) == (1, "")
    assert finding == {
        "file": "bad.graph.json", "line": 8, "column": 38, "pointer": "/nodes/fc/padding", "code": "AG203",
        "severity": "error", "message": finding["message"], "hint": finding["hint"],
    }  # fmt: skip


def test_warnings_are_no_errors_unless_check_is_strict(capsys, folder):
    (folder / "dead.graph.json").write_text(DEAD)
    status, out, err = cli(capsys, "check", ".")
    assert (status, out) == (0, "1 file checked: 1 warning\n") and "AG404 warning:" in err
    assert cli(capsys, "check", "--strict", "--quiet", ".")[:2] == (1, "")


def test_check_reads_standard_input(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"archgraph": 1, ')))
    status, _, err = cli(capsys, "check", "-")
    assert status == 1 and err.startswith("<stdin>:1:18 /: AG101")


def test_check_takes_folders_and_patterns_and_passes_over_runs(capsys, folder):
    for place in ("a", "b/c", ".hidden", "runs/r-1"):
        (folder / place).mkdir(parents=True)
        (folder / place / "net.graph.json").write_text(GOOD)
    (folder / "runs/r-1/resolved.json").write_text("{}")
    assert cli(capsys, "check")[1] == "2 files checked: no faults\n"
    assert cli(capsys, "check", "*/net.graph.json", "a")[1] == "1 file checked: no faults\n"


def test_check_reads_experiments_their_graphs_and_if_asked_their_data(capsys, folder):
    (folder / "net.graph.json").write_text(BAD)
    text = (EXAMPLES / "mlp.train.json").read_text()
    (folder / "a.train.json").write_text(re.sub(r'"graph": [^\n]*,\n', '"graph": "net.graph.json",\n', text))
    status, _, err = cli(capsys, "check", "a.train.json")
    assert status == 1 and "AG203" in err and "net.graph.json:8" in err
    (folder / "net.graph.json").write_text(GOOD)
    assert cli(capsys, "check", "a.train.json")[0] == 0
    status, _, err = cli(capsys, "check", "--data", "a.train.json")
    assert status == 1 and "AG701" in err


def test_a_file_that_is_named_twice_is_told_of_once(capsys, folder):
    (folder / "bad.graph.json").write_text(BAD)
    _, _, err = cli(capsys, "check", "bad.graph.json", "./bad.graph.json", "bad.graph.json")
    assert err.count("AG203") == 2  # two names of one file, but no name twice


def test_control_characters_of_a_file_never_reach_the_terminal(capsys, folder):
    (folder / "evil.graph.json").write_text(GOOD.replace('"fc": {', '"\\u001b[31mred\\u202e": 3, "fc": {'))
    status, out, err = cli(capsys, "check", "evil.graph.json")
    assert status == 1 and "\x1b" not in out + err and "\u202e" not in out + err and "\\x1b[31mred" in err


# ---- fmt and migrate

LOOSE = GOOD.replace('"in": "x", "units": "=units"', '"units"  :"=units", "in":\t"x"')


def test_fmt_writes_the_canonical_form_once(capsys, folder):
    file = folder / "net.graph.json"
    file.write_text(LOOSE)
    assert cli(capsys, "fmt", "net.graph.json") == (0, "net.graph.json: formatted\n1 file formatted\n", "")
    assert file.read_text() == GOOD
    before = file.stat()
    assert cli(capsys, "fmt", "--write") == (0, "1 file unchanged\n", "")
    assert file.stat().st_mtime_ns == before.st_mtime_ns


def test_fmt_check_and_diff_write_nothing(capsys, folder):
    (folder / "net.graph.json").write_text(LOOSE)
    status, out, _ = cli(capsys, "fmt", "--check", ".")
    assert (status, out.splitlines()[0]) == (1, "net.graph.json: not in canonical form")
    status, out, _ = cli(capsys, "fmt", "--diff")
    assert status == 0
    assert '-    "fc": {"op": "dense", "units"  :"=units", "in":\\t"x"}' in out.replace("\t", "\\t")
    assert '+    "fc": {"op": "dense", "in": "x", "units": "=units"}' in out
    assert (folder / "net.graph.json").read_text() == LOOSE


def test_fmt_goes_on_after_a_file_that_is_refused(capsys, folder):
    (folder / "a.graph.json").write_text("{")
    (folder / "b.graph.json").write_text(LOOSE)
    status, out, err = cli(capsys, "fmt")
    assert status == 1 and "a.graph.json:1:2 /: AG101" in err
    assert out.endswith("1 file formatted, 1 file refused\n")
    assert (folder / "b.graph.json").read_text() == GOOD and (folder / "a.graph.json").read_text() == "{"


def test_fmt_is_a_filter_too(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(LOOSE.encode())))
    assert cli(capsys, "fmt", "-") == (0, GOOD, "")


@pytest.mark.parametrize("op", sorted(REGISTRY))
def test_fmt_knows_the_order_of_every_ops_parameters(op):
    from archgraph.document.order import parameters

    assert sorted(parameters({"op": op})) == sorted(REGISTRY[op].fields())


def test_migrate_rewrites_older_files_and_leaves_current_ones(capsys, folder):
    old = (
        GOOD.replace('"archgraph": 1', '"archgraph": 0')
        .replace("dense", "act")
        .replace('"units": "=units"', '"fn": "relu"')
    )
    (folder / "old.graph.json").write_text(old)
    (folder / "new.graph.json").write_text(LOOSE)
    assert cli(capsys, "migrate", "--check")[0] == 1
    status, out, _ = cli(capsys, "migrate")
    assert (status, out) == (0, "old.graph.json: migrated\n1 file migrated, 1 file unchanged\n")
    assert '"fc": {"op": "activation", "in": "x", "activation": "relu"}' in (folder / "old.graph.json").read_text()
    assert (folder / "new.graph.json").read_text() == LOOSE


# ---- summary


def test_summary_shows_records_and_totals(capsys):
    status, out, _ = cli(capsys, "summary", RESNET)
    assert status == 0
    assert re.search(r"stage2 +bottleneck ×4 +28×28×512 +42 +1,226,752 +950,534,144", out)
    assert "25,610,152 (25,557,032 trainable, 53,120 not)" in out and "3,857,973,248 for one sample" in out


def test_summary_opens_blocks_and_lists_primitives(capsys):
    _, out, _ = cli(capsys, "summary", RESNET, "--depth", "3")
    assert re.search(r"^ *1-2 +bottleneck ×2", out, re.MULTILINE)
    _, out, _ = cli(capsys, "summary", RESNET, "--nodes")
    assert re.search(r"stage4/2/conv/norm +batch_norm +7×7×512 +\d+×\d+ +2,048", out)


def test_summary_takes_variants_parameters_and_a_batch_size(capsys, folder):
    (folder / "net.graph.json").write_text(GOOD)

    def told(*arguments: str):
        return json.loads(cli(capsys, "summary", *arguments, "--json")[1])

    assert told("net.graph.json")["parameters"] == 15
    assert told("net.graph.json#wide")["outputs"] == {"y": {"shape": [30], "dtype": "float32"}}
    assert told("net.graph.json", "--set", "units=7")["parameters_used"] == {"units": 7}
    one, many = told("net.graph.json"), told("net.graph.json", "--batch-size", "10")
    assert many["activation_bytes"] == 10 * one["activation_bytes"] and many["batch_size"] == 10


def test_the_rows_for_machines_add_up_to_the_totals(capsys):
    nodes = json.loads(cli(capsys, "summary", RESNET, "--json", "--nodes")[1])
    blocks = json.loads(cli(capsys, "summary", RESNET, "--json")[1])
    for key, total in (("parameters", 25_610_152), ("trainable", 25_557_032), ("macs", 3_857_973_248)):
        assert (
            sum(row[key] for row in nodes["nodes"]) == sum(row[key] for row in blocks["blocks"]) == nodes[key] == total
        )
    assert (
        len(nodes["nodes"]) == nodes["primitives"] == sum(share["nodes"] for share in nodes["families"].values()) == 175
    )


def test_symbolic_sizes_are_shown_as_they_are(capsys, folder):
    text = GOOD.replace('"shape": [4]', '"shape": ["T", 4]')
    (folder / "net.graph.json").write_text(text)
    status, out, _ = cli(capsys, "summary", "net.graph.json", "--json", "--nodes")
    assert status == 0 and json.loads(out)["nodes"][0]["output"] == ["T", 3] and json.loads(out)["macs"] == "12*T"
    assert "T×3" in cli(capsys, "summary", "net.graph.json")[1]


# ---- render, schema, ops, new


def test_render_writes_a_file_or_standard_output(folder):
    assert program("render", LENET, "-o", "a.png", "--legend", cwd=folder).stdout == b"wrote a.png\n"
    assert (folder / "a.png").read_bytes().startswith(b"\x89PNG")
    svg = program("render", LENET, cwd=folder).stdout
    assert svg.startswith(b"<?xml") and b">c1<" in svg
    assert program("render", RESNET, "--format", "dot", "--depth", "0", "--direction", "LR").stdout.startswith(
        b"digraph"
    )
    one, all_ = (program("render", RESNET, *more).stdout.count(b">reduce<") for more in ([], ["--all-blocks"]))
    assert (one, all_) == (1, 4)


def test_the_schemas_are_printed_and_written(capsys, folder):
    assert json.loads(cli(capsys, "schema")[1])["title"].startswith("archgraph graph")
    assert "epochs" in json.loads(cli(capsys, "schema", "train")[1])["properties"]
    (folder / "s").mkdir()
    assert cli(capsys, "schema", "--write", "s")[0] == 0
    for name in ("graph", "train"):
        assert json.loads((folder / "s" / f"{name}.schema.json").read_text()) == json.loads(
            cli(capsys, "schema", name)[1]
        )


def test_ops_lists_every_op_under_its_family(capsys):
    status, out, _ = cli(capsys, "ops")
    assert status == 0
    for op, kind in REGISTRY.items():
        assert re.search(rf"^ *{op} +\S", out, re.MULTILINE) and kind.family.value in out
    assert [one["op"] for one in json.loads(cli(capsys, "ops", "--json")[1])] == sorted(REGISTRY)


@pytest.mark.parametrize("family", Family)
def test_ops_lists_one_family(family, capsys):
    found = json.loads(cli(capsys, "ops", "--family", family.value, "--json")[1])
    assert {one["family"] for one in found} == {family.value}


@pytest.mark.parametrize("op", sorted(REGISTRY))
def test_ops_explains_ports_parameters_and_source(op, capsys):
    status, out, _ = cli(capsys, "ops", op)
    kind = REGISTRY[op]
    assert status == 0 and kind.doc().partition("\n")[0] in out
    folded = "".join(out.split())
    assert "".join(kind.source.split()) in folded
    for name in (*kind.fields(), *(port.name for port in kind.inputs)):
        assert re.search(rf"^ *{name}\b", out, re.MULTILINE)
    told = json.loads(cli(capsys, "ops", op, "--json")[1])
    assert set(told["parameters"]) == set(kind.fields()) and told["examples"]


def test_new_lists_the_templates(capsys):
    _, out, _ = cli(capsys, "new")
    assert all(name in out for name in templates()) and "lenet5" in templates()


@pytest.mark.parametrize("name", sorted(templates()))
def test_every_template_makes_a_graph_without_faults_in_canonical_form(name, capsys, folder):
    trained = (EXAMPLES / f"{name}.train.json").is_file()
    assert cli(capsys, "new", name, "-o", "mine.graph.json", *(["--train"] if trained else []))[0] == 0
    made = json.loads((folder / "mine.graph.json").read_text())
    assert made["name"] == "mine" and "$schema" not in made
    assert cli(capsys, "check", "--strict", ".")[0] == 0
    assert (folder / "mine.train.json").is_file() == trained


def test_new_sets_parameters_and_names_and_never_overwrites_unasked(capsys, folder):
    assert cli(capsys, "new", "resnet50", "--set", "classes=3", "--name", "pets")[0] == 0
    made = json.loads((folder / "resnet50.graph.json").read_text())
    assert (made["name"], made["params"]) == ("pets", {"classes": 3})
    status, _, err = cli(capsys, "new", "resnet50")
    assert status == 1 and "--force" in err
    assert json.loads((folder / "resnet50.graph.json").read_text())["name"] == "pets"
    assert cli(capsys, "new", "resnet50", "--force")[0] == 0


def test_new_refuses_values_that_make_no_graph(capsys, folder):
    status, _, err = cli(capsys, "new", "resnet50", "--set", "classes=0")
    assert status == 1 and "AG201" in err and list(folder.iterdir()) == []
