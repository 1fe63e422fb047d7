"""Tables as LaTeX with booktabs, and a document that shows them all. Every text is escaped; the packages needed are `PACKAGES`."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from raysearch.report.document import Cell, Column, Table

PACKAGES = ("array", "booktabs", "graphicx", "longtable")
"""What the document loads, beside the encodings: in every TeX distribution."""

_LONG = 40
_WIDE = 96
_TEXT = 36

_SIGNS = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": "'{}",  # two of them would be a quotation mark
    "`": r"\textasciigrave{}",
    "[": "{[}",  # after the end of a row a bracket or a star would be its argument
    "]": "{]}",
    "*": "{*}",
    "-": "{-}",  # two hyphens would be a dash
    "\N{NO-BREAK SPACE}": "~",
    "\N{MINUS SIGN}": r"$-$",
    "\N{EN DASH}": r"\textendash{}",
    "\N{EM DASH}": r"\textemdash{}",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{MIDDLE DOT}": r"$\cdot$",
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{DEGREE SIGN}": r"$^\circ$",
    "\N{SUPERSCRIPT TWO}": r"$^2$",
    "\N{INFINITY}": r"$\infty$",
    "\N{LESS-THAN OR EQUAL TO}": r"$\leq$",
    "\N{GREATER-THAN OR EQUAL TO}": r"$\geq$",
    "\N{RIGHTWARDS ARROW}": r"$\rightarrow$",
    "\N{HORIZONTAL ELLIPSIS}": r"\ldots{}",
    "\N{GREEK CAPITAL LETTER DELTA}": r"$\Delta$",
    "\N{GREEK SMALL LETTER SIGMA}": r"$\sigma$",
    "\N{GREEK SMALL LETTER RHO}": r"$\rho$",
    "\N{GREEK SMALL LETTER LAMDA}": r"$\lambda$",
    "\N{GREEK SMALL LETTER MU}": r"$\mu$",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
}
_ACCENTS = {"\u0300": r"\`", "\u0301": r"\'", "\u0302": r"\^", "\u0303": r"\~", "\u0308": r"\"", "\u030c": r"\v", "\u0327": r"\c"}


def escape(text: str) -> str:
    """Return a text of one line as LaTeX prints it; a character that no font of plain LaTeX has becomes its code, ``U+6570``."""
    return "".join(map(_sign, text.replace("\n", " ")))


def _sign(character: str) -> str:
    if character in _SIGNS:
        return _SIGNS[character]
    if " " <= character <= "~":
        return character
    parts = unicodedata.normalize("NFD", character)
    if len(parts) == 2 and parts[0].isascii() and parts[0].isalpha() and parts[1] in _ACCENTS:
        return f"{_ACCENTS[parts[1]]}{{{parts[0]}}}"
    return "{\\ttfamily U+" + f"{ord(character):04X}" + "}"


def table(block: Table, label: str) -> str:
    """Print a table as an environment of its own: ``table``, or ``longtable`` for more rows than fit a page.

    Args:
        label: after ``tab:``.
    """
    long = len(block.rows) > _LONG
    body = [*_head(block.columns, block.groups), r"\midrule"]
    body += [line for row in block.rows for line in _row(row)] + [r"\bottomrule"]
    aligned = "".join(_alignment(column, [row[i] for row in block.rows]) for i, column in enumerate(block.columns))
    caption = rf"\caption{{{escape(block.caption)}}}\label{{tab:{label}}}" + ("" if long else r"\par\smallskip")
    notes = [rf"\par\smallskip\begin{{minipage}}{{\linewidth}}\footnotesize {escape(' '.join(block.notes))}\end{{minipage}}"]
    notes = notes if block.notes else []
    if long:
        opened = [r"\begingroup\scriptsize\setlength{\tabcolsep}{3pt}", rf"\begin{{longtable}}{{{aligned}}}", caption + r"\\"]
        return "\n".join([*opened, *body, r"\end{longtable}", *notes, r"\endgroup", ""])
    tabular = [rf"\begin{{tabular}}{{{aligned}}}", *body, r"\end{tabular}"]
    if _width(block) > _WIDE:
        tabular = [r"\resizebox{\linewidth}{!}{%", *tabular, "}"]
    return "\n".join([r"\begin{table}[htbp]", r"\centering\small", caption, *tabular, *notes, r"\end{table}", ""])


def _head(columns: Sequence[Column], groups: Sequence[tuple[str, int]]) -> list[str]:
    lines = []
    if groups:
        cells, rules, place = [], [], 1
        for title, span in groups:
            cells.append(rf"\multicolumn{{{span}}}{{c}}{{{escape(title)}}}")
            if title:
                rules.append(rf"\cmidrule(lr){{{place}-{place + span - 1}}}")
            place += span
        lines += [" & ".join(cells) + r" \\", "".join(rules)]
    return [r"\toprule", *lines, " & ".join(escape(column.title) for column in columns) + r" \\"]


def _row(row: Sequence[Cell]) -> list[str]:
    """Print a row, and a second smaller line where its cells have notes."""
    lines = [" & ".join(_cell(cell) for cell in row) + r" \\"]
    if any(cell.note for cell in row):
        notes = " & ".join(rf"{{\scriptsize {escape(cell.note)}}}" if cell.note else "" for cell in row)
        lines = [lines[0] + "[-2pt]", notes + r" \\"]
    return lines


def _cell(cell: Cell) -> str:
    text = _marked(cell)
    return f"{text} / {_marked(cell.beside)}" if cell.beside else text


def _marked(cell: Cell) -> str:
    text = escape(cell.text)
    return {"best": rf"\textbf{{{text}}}", "second": rf"\underline{{{text}}}"}.get(cell.mark, text)


def _alignment(column: Column, cells: Sequence[Cell]) -> str:
    if column.align == "number":
        return "r"
    longest = max((max(len(cell.text), len(cell.note)) for cell in cells), default=0)
    return r">{\raggedright\arraybackslash}p{0.28\linewidth}" if longest > _TEXT else "l"


def _width(block: Table) -> int:
    """Guess how wide a table is, in letters."""
    rows = [[max(len(cell.line), len(cell.note) * 3 // 4) for cell in row] for row in block.rows]
    titles = [len(column.title) for column in block.columns]
    return sum(min(_TEXT, max(lengths)) + 2 for lengths in zip(titles, *rows, strict=True))


def document(title: str, tables: Sequence[str], figures: Sequence[tuple[str, str, Sequence[str]]]) -> str:
    """Print a document that shows every table and figure.

    Args:
        title: of the study.
        tables: files to read in, without their ends.
        figures: label, caption and files of each.
    """
    lines = [rf"\documentclass{{article}}\usepackage[T1]{{fontenc}}\usepackage{{textcomp,{','.join(PACKAGES)}}}"]
    lines += [r"\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}"]
    lines += [r"\extrafloats{200}\begin{document}", rf"\section*{{{escape(title)}}}"]
    lines += [rf"\input{{{file}}}\clearpage" for file in tables]
    for label, caption, files in figures:
        width = 0.9 if len(files) == 1 else 0.48
        drawn = "\n".join(rf"\includegraphics[width={width}\linewidth]{{{file}}}\hfil" for file in files)
        body = rf"\caption{{{escape(caption)}}}\label{{fig:{label}}}"
        lines += [r"\begin{figure}[htbp]\centering", drawn, body, r"\end{figure}\clearpage"]
    return "\n".join([*lines, r"\end{document}", ""])
