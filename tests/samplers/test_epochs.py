"""Every row once per epoch."""

from __future__ import annotations

import pytest
import torch

from raysearch.errors import StateDamaged
from raysearch.samplers._epochs import Epochs


def test_each_epoch_visits_every_row_once_in_a_new_order() -> None:
    rows = torch.tensor([3, 5, 8, 13, 21, 34, 55])
    epochs = Epochs(rows, seed=1)
    drawn = torch.cat([epochs.take(3) for _ in range(7)]).view(3, 7)  # batches of 3 cross the ends of epochs
    assert all(torch.equal(epoch.sort().values, rows) for epoch in drawn)
    assert not torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[1], drawn[2])


@pytest.mark.parametrize("taken", [0, 1, 6, 7, 8, 20])
def test_state_continues_at_any_position(taken: int) -> None:
    one, other = Epochs(torch.arange(7), seed=1), Epochs(torch.arange(7), seed=2)
    one.take(taken)
    other.load_state_dict(one.state_dict())
    assert torch.equal(one.take(30), other.take(30))


def test_the_state_stays_small_and_does_not_change_later() -> None:
    epochs = Epochs(torch.arange(1_000_000), seed=1)
    state = epochs.state_dict()
    generator = state["generator"]
    assert isinstance(generator, torch.Tensor)
    assert generator.numel() < 10_000
    kept = generator.clone()
    epochs.take(1_500_000)
    assert torch.equal(generator, kept)


def test_a_state_of_other_data_is_refused() -> None:
    state = Epochs(torch.arange(7), seed=1).state_dict()
    with pytest.raises(StateDamaged, match="7 patches, but there are 8"):
        Epochs(torch.arange(8), seed=1).load_state_dict(state)
    with pytest.raises(StateDamaged, match="order of the patches"):
        Epochs(torch.arange(8), seed=1).load_state_dict(None)
