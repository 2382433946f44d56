"""The committed bundle: built from these sources, complete, and found by Streamlit."""

import hashlib
import re
import tomllib
from pathlib import Path

import archgraph

CANVAS = Path(archgraph.__file__).parent / "studio" / "canvas"
FRONTEND, BUILD = CANVAS / "frontend", CANVAS / "build"
SINGLE = ("package.json", "package-lock.json", "tsconfig.json", "vite.config.ts", "NOTICE.md")


def sources_hash() -> str:
    """What frontend/stamp.mjs writes."""
    names = [path.relative_to(FRONTEND).as_posix() for path in (FRONTEND / "src").rglob("*") if path.is_file()]
    found = hashlib.sha256()
    for name in sorted([*names, *SINGLE]):
        found.update(name.encode() + b"\0" + (FRONTEND / name).read_bytes() + b"\0")
    return found.hexdigest()


def test_the_bundle_was_built_from_these_sources() -> None:
    stored = (BUILD / "sources.sha256").read_text().strip()
    assert stored == sources_hash(), "run: npm ci && npm run build (in archgraph/studio/canvas/frontend)"


def test_the_licences_of_what_is_bundled_are_shipped() -> None:
    assert "Eclipse Public License" in (BUILD / "elk-LICENSE.md").read_text()
    assert "elkjs" in (BUILD / "NOTICE.md").read_text()


def test_the_manifest_leads_to_the_bundle() -> None:
    manifest = tomllib.loads((CANVAS.parents[1] / "pyproject.toml").read_text())
    (component,) = manifest["tool"]["streamlit"]["component"]["components"]
    assert (manifest["project"]["name"], component["name"]) == ("archgraph", "canvas")
    assert (CANVAS.parents[1] / component["asset_dir"]).resolve() == BUILD.resolve()
    assert (BUILD / "index.js").stat().st_size > 100_000


def test_sources_never_put_text_into_the_page_as_markup_nor_step_around_the_types() -> None:
    markup = r"innerHTML|outerHTML|dangerouslySetInnerHTML|insertAdjacentHTML|document\.write"
    around = r"\bas (?:const|unknown|never|string|number|[A-Z])|: any\b|<any>|@ts-"
    forbidden = re.compile(f"{markup}|{around}")
    found = []
    for path in (FRONTEND / "src").rglob("*.ts*"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            code = re.sub(r"'(\\.|[^'])*'|`[^`]*`|//.*|^\s*/?\*.*|^import .*|>[^<>{}]*<", "", line)
            if forbidden.search(code):
                found.append(f"{path.name}:{number}: {line.strip()}")
    assert found == []
