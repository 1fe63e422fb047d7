"""Published sets of real pairs, split by scene: crops and shots of one scene look alike, so a scene belongs into one split."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence

from pydantic import Field

from raysearch.data.base import Gathered, Photograph, Split
from raysearch.data.corpora._published import PublishedConfig, no_such_split
from raysearch.data.listing import gathered
from raysearch.data.pair_set import hold_out_scenes


class ScenesConfig(PublishedConfig, ABC):
    """Real pairs of a degraded and a clean image, whole scenes of which are held out."""

    validation: int = Field(0, ge=0)
    """How many scenes are held out for validation, spread evenly over them; 0 for none."""

    test: int = Field(0, ge=0)
    """How many scenes are held out to test on, before those for validation; 0 for none."""

    @property
    def paired(self) -> bool:
        """Yes."""
        return True


def by_scene(config: ScenesConfig, name: str, pairs: Sequence[Photograph], scene: str, split: Split) -> tuple[Gathered, ...]:
    """List the pairs of a split, as one set.

    Args:
        config: how many scenes are held out.
        name: what tables call the set.
        pairs: all of them, sorted by name.
        scene: a regular expression whose first group is the scene in a pair's name.

    Raises:
        NoSuchSplit: no scene is held out for this split.
        DataError: a file is unreadable, or too many scenes are held out.
    """
    counts: dict[Split, int] = {"test": config.test, "validation": config.validation}
    if counts.get(split) == 0:
        remedy = f"hold scenes out (`{split}: 3`), or name another corpus for it in a 'mix'"
        raise no_such_split(name, split, remedy)
    parts: dict[Split, list[Photograph]] = {"train": list(pairs)}
    for part, count in counts.items():
        if count:
            parts[part], parts["train"] = hold_out_scenes(parts["train"], count, scene)
    return (gathered(name, parts[split], "refuse"),)
