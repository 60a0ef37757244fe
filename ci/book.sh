#!/usr/bin/env bash
# The book: docs/ as pages, with pictures of the demo's report where Chromium is at hand, and its links checked. `ci/book.sh [FOLDER]` writes it to
# target/book. A line `<!-- picture: NAME ADDRESS -->` of a page becomes a picture of the demo's report at that address.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
out=${1:-$root/target/book}
mdbook=$(command -v mdbook || true)
if [[ ! $mdbook ]]; then
  cargo install --quiet --locked --root target/tools mdbook
  mdbook=$root/target/tools/bin/mdbook
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r docs "$work/docs"
mkdir "$work/docs/pictures"
if command -v chromedriver >/dev/null; then
  CANDOR_PICTURES=$work/docs/pictures cargo test --quiet --locked --test it -- --ignored pictures_of_the_demo >/dev/null
  sed -i -E 's|<!-- picture: ([a-z-]+) \S+ -->|![\1](pictures/\1.png)|' "$work"/docs/*.md
  for picture in $(grep -ohE '\(pictures/[a-z-]+\.png\)' "$work"/docs/*.md | tr -d '()'); do [[ -s $work/docs/$picture ]]; done
else
  echo "SKIPPED the book's pictures: there is no chromedriver"
fi
# A page that the summary does not name would not be in the book.
for page in docs/*.md; do
  name=$(basename "$page")
  [[ $name == SUMMARY.md ]] || grep -q "($name)" docs/SUMMARY.md || { echo "docs/SUMMARY.md does not name $name"; exit 1; }
done
# The notebook is its page's code; it is run on the demo's run.
python3 - docs/notebook.md "$work/docs/notebook.ipynb" "$work/notebook.py" <<'PY'
import json, re, sys
page, notebook, script = sys.argv[1:]
cells, code = [], []
for i, part in enumerate(re.split(r"```python\n(.*?)```\n", open(page).read(), flags=re.S)):
    source = part.strip()
    cells.append({"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None} if i % 2 else {"cell_type": "markdown", "source": source, "metadata": {}})
    if i % 2: code.append(source)
json.dump({"nbformat": 4, "nbformat_minor": 4, "metadata": {"language_info": {"name": "python"}}, "cells": cells}, open(notebook, "w"), indent=1)
open(script, "w").write("\n\n".join(code) + "\n")
PY
candor=${CANDOR:-$root/target/release/candor}
if [[ -x $candor ]] && python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet polars; then
  (cd "$work" && "$candor" demo >/dev/null && venv/bin/python notebook.py)
else
  echo "SKIPPED running the notebook: it needs the release build, and polars for Python"
fi
"$mdbook" build "$work/docs" --dest-dir "$out"
# Links between pages, and to files of the checkout.
python3 - <<'PY'
import pathlib, re, sys
docs = pathlib.Path("docs")
slug = lambda head: re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", head).strip().lower()).replace(" ", "-")
anchors = {page.name: {slug(line.lstrip("#")) for line in page.read_text().splitlines() if line.startswith("#")} for page in docs.glob("*.md")}
wrong = []
for page in [*docs.glob("*.md"), pathlib.Path("README.md"), pathlib.Path("CONTRIBUTING.md")]:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"[a-z]+:", link): continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        if path == "notebook.ipynb": continue  # made above
        if not target.exists(): wrong.append(f"{page}: {link}: there is no such file")
        elif anchor and target.name in anchors and target.parent == docs and anchor not in anchors[target.name]: wrong.append(f"{page}: {link}: there is no such heading")
print("\n".join(wrong)); sys.exit(bool(wrong))
PY
echo "book: $out/index.html"
