"""The files for a paper: CSV that holds what the page shows, LaTeX that compiles, SVG and PDF, the same bytes every time."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import plausible_study
import pytest
from test_escaping import PAYLOADS, poisoned_run

from raysearch.report import latex
from raysearch.report.document import Cell, Column, Figure, Gallery, Part, Table
from raysearch.report.formats import NONE
from raysearch.report.page import part
from raysearch.report.paper import separated, write_paper
from raysearch.report.svg import PRINTED
from raysearch.report.view import view
from raysearch.results.record import RunRecord

TEX = shutil.which("pdflatex")


@pytest.fixture(scope="module")
def small() -> RunRecord:
    return plausible_study.record(search=4)


@pytest.fixture(scope="module")
def home(small: RunRecord, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / small.name
    plausible_study.write_files(small, folder)
    return folder


@pytest.fixture(scope="module")
def made(small: RunRecord, home: Path) -> Part:
    return part(view(small, home, "r1"))


@pytest.fixture(scope="module")
def paper(made: Part, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("paper")
    written = write_paper([made], folder)
    assert sorted(written) == sorted(path for path in folder.rglob("*") if path.is_file())
    return folder


def blocks(made: Part, *kinds: type) -> list[object]:
    return [block for section in made.sections for block in section.blocks if isinstance(block, kinds)]


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_every_table_and_figure_is_there(made: Part, paper: Path) -> None:
    tables = {block.name for block in blocks(made, Table)}  # type: ignore[attr-defined]
    assert {path.stem for path in (paper / "tables").iterdir()} == tables
    for form in ("csv", "tex"):
        assert {path.stem for path in (paper / "tables").glob(f"*.{form}")} == tables
    figures = {block.name for block in blocks(made, Gallery)}  # type: ignore[attr-defined]
    for figure in blocks(made, Figure):
        count = len(figure.panels)  # type: ignore[attr-defined]
        name = figure.name  # type: ignore[attr-defined]
        figures |= {name} if count == 1 else {f"{name}-{number + 1}" for number in range(count)}
    assert {"patch-scores-1", "patch-scores-3", "history"} <= figures
    for form in ("svg", "pdf"):
        assert {path.stem for path in (paper / "figures").glob(f"*.{form}")} == figures
    text = (paper / "paper.tex").read_text()
    assert set(re.findall(r"\\input\{tables/([\w-]+)\}", text)) == tables
    for file in re.findall(r"\\includegraphics\[.*?\]\{(.*?)\}", text):
        assert (paper / file).is_file()


def test_csv_holds_what_the_page_shows(made: Part, paper: Path) -> None:
    for table in blocks(made, Table):
        assert isinstance(table, Table)
        titles, *rows = rows_of((paper / "tables" / f"{table.name}.csv").read_text())
        assert len(rows) == len(table.rows)
        assert all(len(row) == len(titles) for row in rows)
        for row, cells in zip(rows, table.rows, strict=True):
            shown = {text for cell in cells for text in (cell.text, cell.note, cell.beside.text if cell.beside else "")}
            plain = {text.replace("\N{MINUS SIGN}", "-").replace("\xa0", " ").replace("∞", "inf") for text in shown} - {NONE}
            assert set(row) - {"best", "second", ""} == plain - {""}


def test_halves_marks_and_notes_have_columns_of_their_own() -> None:
    cell = Cell("28.40", 28.4, "best", "[\N{MINUS SIGN}0.10, +0.30]", Cell("0.8123", 0.8123, "second"))
    column = Column("sigma 25", "kodak24", parts=("PSNR", "SSIM"))
    text = separated(Table("t", "", (Column("Method", align="text"), column), ((Cell("A"), cell), (Cell("B"), Cell(NONE)))))
    name = "kodak24: sigma 25"
    assert rows_of(text) == [
        ["Method", f"{name} PSNR", f"{name} PSNR, mark", f"{name} SSIM", f"{name} SSIM, mark", f"{name}, note"],
        ["A", "28.40", "best", "0.8123", "second", "[-0.10, +0.30]"],
        ["B", "", "", "", "", ""],
    ]


def test_a_formula_stays_text_and_a_number_a_number() -> None:
    texts = ["=1+1", "+cmd|x", "-2+3", "@a", "\N{MINUS SIGN}0.31 dB**", "+0.10", "-5"]
    table = Table("t", "", (Column("=x"),), tuple((Cell(text),) for text in texts))
    found = [row[0] for row in rows_of(separated(table))]
    assert found == ["'=x", "'=1+1", "'+cmd|x", "'-2+3", "'@a", "-0.31 dB**", "+0.10", "-5"]


def check_tex(text: str, columns: int) -> None:
    """Rows have the right number of cells, environments and braces close, and only printable ASCII is left."""
    assert all(" " <= character <= "~" or character == "\n" for character in text)
    depth = 0
    for previous, character in zip(" " + text, text, strict=False):
        if character in "{}" and previous != "\\":
            depth += 1 if character == "{" else -1
            assert depth >= 0
    assert depth == 0
    opened: list[str] = []
    for word, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if word == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name
    assert not opened
    body = text.split("\\midrule\n")[1].split("\\bottomrule")[0]
    for row in filter(None, re.split(r" \\\\(?:\[-2pt\])?\n", body)):
        assert len(re.findall(r"(?<!\\)&", row)) == columns - 1, row


def test_latex_is_well_formed(made: Part, paper: Path) -> None:
    for table in blocks(made, Table):
        assert isinstance(table, Table)
        check_tex((paper / "tables" / f"{table.name}.tex").read_text(), len(table.columns))


@pytest.mark.parametrize("text", PAYLOADS)
def test_hostile_text_stays_text_in_latex(text: str) -> None:
    row = (Cell(text, note=text), Cell(text, mark="best", beside=Cell(text, mark="second")))
    block = Table("t", text, (Column(text, text, "text"), Column(text)), (row, row), (text,))
    check_tex(latex.table(block, "t"), 2)


def test_marks_and_long_tables() -> None:
    columns = (Column("a", align="text"), Column("b"))
    row = (Cell("x & y_1"), Cell("1.00", mark="best", note="[0, 1]", beside=Cell("0.5", mark="second")))
    short = latex.table(Table("t", "50 % of all.", columns, (row,)), "r1-t")
    assert r"x \& y\_1 & \textbf{1.00} / \underline{0.5} \\[-2pt]" in short
    assert r"\caption{50 \% of all.}\label{tab:r1-t}" in short
    long = latex.table(Table("t", "c", columns, (row,) * 60), "t")
    assert r"\begin{longtable}" in long
    check_tex(long, 2)


def compiled(folder: Path) -> None:
    assert TEX is not None
    command = [TEX, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "paper.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=250, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (folder / "paper.pdf").stat().st_size > 20_000


@pytest.mark.skipif(TEX is None, reason="no TeX on this machine (apt-get install texlive-latex-recommended)")
def test_it_compiles(paper: Path, tmp_path: Path) -> None:
    compiled(Path(shutil.copytree(paper, tmp_path / "copy")))


@pytest.mark.skipif(TEX is None, reason="no TeX on this machine (apt-get install texlive-latex-recommended)")
def test_a_hostile_run_compiles(small: RunRecord, tmp_path: Path) -> None:
    parts = [part(view(poisoned_run(small, text), tmp_path, f"r{i}")) for i, text in enumerate((PAYLOADS[7], PAYLOADS[8]), 1)]
    write_paper([Part(one.name, one.title, one.run, one.answer, one.verdict, (), one.sections[-2:]) for one in parts], tmp_path)
    made = sorted(path.parent for path in tmp_path.rglob("paper.tex"))
    assert len(made) == 2
    for folder in made:
        text = (folder / "paper.tex").read_text().replace("\\end{document}", "nothing\\end{document}")
        (folder / "paper.tex").write_text(text)
        compiled(folder)


def test_figures_are_printed_in_the_colours_of_the_page(paper: Path) -> None:
    style = (Path(latex.__file__).parent / "templates" / "page.css").read_text()
    printed = style[style.index("@media print") :]
    for name, colour in PRINTED.items():
        value = re.search(rf"--{name.partition(':')[2]}: (#[0-9a-f]+)", printed)
        assert value is not None
        assert colour == (value[1] if len(value[1]) == 7 else "#" + "".join(2 * c for c in value[1][1:]))
    drawn = (paper / "figures" / "curves.svg").read_text()
    assert {tag for tag in PRINTED.values() if tag in drawn} >= {"#0072b2", "#d55e00"}
    for path in (paper / "figures").glob("*.svg"):
        root = ElementTree.parse(path).getroot()
        assert not [element.tag for element in root.iter() if element.tag.endswith(("script", "foreignObject"))]
        assert "raysearch:" not in path.read_text()
    for path in (paper / "figures").glob("*.pdf"):
        data = path.read_bytes()
        assert data.startswith(b"%PDF-")
        assert b"CreationDate" not in data


MAKE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import plausible_study
from raysearch.report.page import write_report
out = Path(sys.argv[3])
write_report([plausible_study.record(search=4)], [Path(sys.argv[2])], out / "page.html", export=out / "paper")
heavy = [name for name in ("torch", "ray", "optuna", "matplotlib.pyplot") if name in sys.modules]
assert not heavy, heavy
"""


def test_another_process_writes_the_same_bytes(home: Path, paper: Path, tmp_path: Path) -> None:
    arguments = [sys.executable, "-W", "error", "-c", MAKE, str(Path(__file__).parent), str(home), str(tmp_path)]
    subprocess.run(arguments, check=True, env={**os.environ, "PYTHONHASHSEED": "77"})
    files = sorted(path.relative_to(paper) for path in paper.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(tmp_path / "paper") for path in (tmp_path / "paper").rglob("*") if path.is_file())
    for file in files:
        assert (paper / file).read_bytes() == (tmp_path / "paper" / file).read_bytes(), file
