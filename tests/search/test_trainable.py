from __future__ import annotations

import json
from pathlib import Path

from raysearch.search.trainable import _write_config


def test_the_configuration_of_a_forgotten_trial_is_replaced_and_an_equal_one_stays(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    _write_config(path, '{"steps": 1}')
    before = path.stat().st_mtime_ns, path.stat().st_ino
    _write_config(path, '{"steps": 1}')
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before
    _write_config(path, '{"steps": 2}')
    assert json.loads(path.read_text()) == {"steps": 2}
    assert [p.name for p in tmp_path.iterdir()] == ["config.json"]
