"""The YAML reader: YAML 1.2 scalars, places of everything, and nothing that it should not accept."""

from __future__ import annotations

from pathlib import Path

import pytest

from raysearch.errors import SpecError
from raysearch.spec.findings import MISSING
from raysearch.spec.yaml import parse, parse_value, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1E3", 1000.0),
        (".5", 0.5),
        ("-3.", -3.0),
        ("+7", 7),
        ("0x1F", 31),
        ("0o17", 15),
        ("007", 7),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("True", True),
        ("false", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("'1'", "1"),
        ('"true"', "true"),
        ("1e", "1e"),
        ("=", "="),
    ],
)
def test_plain_scalars_follow_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    read = parse(f"key: {text}\n").data
    assert read == {"key": value}
    assert type(read["key"]) is type(value)  # type: ignore[index]


def test_every_part_has_its_place() -> None:
    document = parse("a: 1\nb:\n  c: [2, {d: 3}]\n", "x.yaml")
    assert str(document.mark(("b", "c"))) == "x.yaml:3:3"
    assert str(document.mark(("b", "c", 0))) == "x.yaml:3:7"
    assert str(document.mark(("b", "c", 1, "d"))) == "x.yaml:3:11"
    assert str(document.mark(("b", "missing", "below"))) == "x.yaml:2:1", "the nearest thing around it"
    assert document.value(("b", "c", 1, "d")) == 3
    assert document.value(("b", "c", 2)) is MISSING


def test_an_alias_copies_its_value_and_points_to_where_that_stands() -> None:
    document = parse("a: &x {k: [1]}\nb: *x\n", "x.yaml")
    assert document.data == {"a": {"k": [1]}, "b": {"k": [1]}}
    assert document.data["a"] is not document.data["b"]  # type: ignore[index]
    assert str(document.mark(("b",))) == "x.yaml:2:1"
    assert str(document.mark(("b", "k", 0))) == "x.yaml:1:12"


@pytest.mark.parametrize(
    ("text", "reason", "line"),
    [
        ("a: 1\nb: !!python/object/apply:os.system [x]\n", "the tag", 2),
        ("a: !int 3\n", "the tag", 1),
        ("a: &x {k: 1}\nb:\n  <<: *x\n", "merge keys", 3),
        ("a: 1\nb: 2\na: 3\n", "already on line 1", 3),
        ("1: a\n", "a key must be text", 1),
        ("? [a, b]\n: c\n", "a key must be text", 1),
        ("%YAML 1.1\n---\na: no\n", "directives", 2),
        ("a: 1\n---\nb: 2\n", "second document", 2),
        ("a: .inf\n", "not finite", 1),
        ("a: 1e999\n", "not finite", 1),
        ("a: 123456789012345678901234\n", "64 bits", 1),
        ("a: &x [*x]\n", "no finished value", 1),
        ("a: *nowhere\n", "no finished value", 1),
        ("a:\n  - " + "[" * 40 + "]" * 40, "deeper than 32", 2),
        ("a: [1\nb: 2\n", "not YAML", 2),
        ("\t- a\n", "not YAML", 1),
    ],
)
def test_what_is_refused_is_named_with_its_line(text: str, reason: str, line: int) -> None:
    with pytest.raises(SpecError) as caught:
        parse(text, "x.yaml")
    assert reason in str(caught.value)
    assert f"x.yaml:{line}:" in caught.value.place
    assert caught.value.remedy


@pytest.mark.parametrize("text", ["", "# only a comment\n"])
def test_an_empty_file_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match="empty"):
        parse(text)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        parse("a: !x 1\nb: .nan\nb: 2\n", "x.yaml")
    assert all(f"x.yaml:{line}:" in str(caught.value) for line in (1, 2, 3))


def test_aliases_can_not_blow_up() -> None:
    text = "a: &a [x,x,x,x,x,x,x,x,x]\n"
    text += "".join(f"{c}: &{c} [{','.join(['*' + p] * 9)}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True))
    with pytest.raises(SpecError, match="more than"):
        parse(text)
    with pytest.raises(SpecError, match="deeper than 32"):
        parse("\n".join(["a0: &a0 [x]", *(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 40))]))
    with pytest.raises(SpecError, match="aliases"):
        parse("a: &a 1\nb: [" + ", ".join(["*a"] * 101) + "]")


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_text("a: " + "x" * (1 << 20))
    with pytest.raises(SpecError, match="1 MiB"):
        read(path)


def test_files_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(SpecError, match="UTF-8"):
        read(tmp_path / "binary.yaml")
    (tmp_path / "control.yaml").write_bytes(b"a: \x01\n")
    with pytest.raises(SpecError, match="not YAML"):
        read(tmp_path / "control.yaml")
    with pytest.raises(SpecError, match="can't be read"):
        read(tmp_path)
    with pytest.raises(SpecError, match="can't be read"):
        read(tmp_path / "missing.yaml")


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "windows.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    document = read(path)
    assert document.data == {"a": 1, "b": 2}
    assert document.mark(("b",)).line == 2


@pytest.mark.parametrize(
    ("text", "value"), [("1e-4", 1e-4), ("[1, 2]", [1, 2]), ("{kind: x, a: no}", {"kind": "x", "a": "no"}), ("", None)]
)
def test_values_of_options(text: str, value: object) -> None:
    assert parse_value(text, "--set a=b") == value


def test_a_bad_value_of_an_option_names_the_option() -> None:
    with pytest.raises(SpecError) as caught:
        parse_value("[1", "--set a=[1")
    assert caught.value.place == "--set a=[1"
