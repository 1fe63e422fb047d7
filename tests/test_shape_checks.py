"""Shapes in signatures are really checked while the tests run."""

from __future__ import annotations

import importlib

import pytest
import torch
from jaxtyping import TypeCheckError

from raysearch.losses import l2


def test_every_component_of_these_packages_is_hooked(checked_modules: list[str]) -> None:
    assert "raysearch.models.deepjdd" in checked_modules
    for name in checked_modules:
        loader = importlib.import_module(name).__loader__
        assert "jaxtyping" in type(loader).__module__, f"{name} was imported before the hook was installed"


def test_a_wrong_result_is_caught_as_well_as_a_wrong_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    good = torch.rand(2, 3, 4, 5)
    with pytest.raises(TypeCheckError):
        l2.Config().per_pixel(good, torch.rand(2, 3, 5, 4))
    with pytest.raises(TypeCheckError):
        l2.Config().per_pixel(good, (good * 255).to(torch.uint8))
    monkeypatch.setattr(l2.functional, "mse_loss", lambda restored, clean, reduction: restored[..., :-1])
    with pytest.raises(TypeCheckError):
        l2.Config().per_pixel(good, good)
