"""What configurations are called: the shortest description that says everything in which they differ.

A difference in a component is its kind (``DnCNN``, ``PatchNet``, ``l1 loss``), one in a value its name and the value
(``sampler keep 0.3``). A value of a component whose kind differs says nothing of its own, unless two of the configurations share
the kind and differ in the value. What all have in common is left out, and the seed always is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from raysearch.report import plain
from raysearch.report.formats import short

PROPER = {
    "sampler": {
        "uniform": "uniform sampling",
        "gradient": "gradient mining",
        "hard_negative": "hard-negative mining",
        "loss": "loss mining",
        "random_subset": "a random subset",
        "patchnet": "PatchNet",
    },
    "model": {
        "bf_dense": "BF-DenseNet",
        "bf_dncnn": "BF-CNN",
        "bf_recurrent": "BF-recurrent",
        "bf_unet": "BF-UNet",
        "carn": "CARN",
        "cbdnet": "CBDNet",
        "cdm_cnn": "CDM-CNN",
        "cyclegan": "CycleGAN",
        "deepjdd": "DeepJDD",
        "dm_net": "DM-Net",
        "dncnn": "DnCNN",
        "edsr": "EDSR",
        "falsr": "FALSR",
        "ffdnet": "FFDNet",
        "kokkinos": "Kokkinos",
        "nn3d": "NN3D",
        "oisr": "OISR",
        "pl4nn": "the 9-5-5 network",
        "red_net": "RED-Net",
        "restorenet": "RestoreNet",
        "srresnet": "SRResNet",
        "vdsr": "VDSR",
        "zssr": "ZSSR",
    },
}
"""What kinds are called in sentences, by the part of a trial in which they stand; any other goes by its own name."""

_KIND = ".kind"
_ORDER = ("model", "sampler", "recipe.loss")
_VALUES = 3
_LENGTH = 90


def strategy(kind: str) -> str:
    """Return what a sampling strategy is called in a sentence."""
    return PROPER["sampler"].get(kind, kind)


def leaf(value: object) -> str:
    """Print a value of a configuration."""
    return short(float(value)) if isinstance(value, int | float) and not isinstance(value, bool) else plain.line(value, 60)


def settings(config: object) -> dict[str, object]:
    """Return a configuration by dotted path, without the seed; a component that is given by its name alone has a kind too."""
    flat: dict[str, object] = {}
    for key, value in plain.leaves(config):
        if key != "seed":
            bare = key in ("sampler", "model", "task", "data", "recipe.loss") and isinstance(value, str)
            flat[f"{key}{_KIND}" if bare else key] = value
    return flat


def distinguish(configs: Sequence[object]) -> tuple[str, ...]:
    """Describe configurations by what differs between them, shortly.

    Args:
        configs: plain data of trials, see `settings`.

    Returns:
        One description each, in the same order: kinds joined by `` + ``, then values; equal configurations have equal ones, which
        are empty when all are equal. After three values the others are counted.
    """
    flat = [_texts(config) for config in configs]
    kinds, values = _differing(flat)
    return tuple(_described(one, kinds, values, flat) for one in flat)


def details(configs: Sequence[object]) -> tuple[str, ...]:
    """Say for each configuration every value in which it differs from any of the others, by component: ``sampler: keep 0.5``."""
    flat = [_texts(config) for config in configs]
    keys = sorted({key for one in flat for key in one})
    shown = [key for key in keys if len({one.get(key) for one in flat}) > 1 and key != f"sampler{_KIND}"]
    return tuple(_by_component({key: one[key] for key in shown if key in one})[:400] for one in flat)


def _by_component(values: Mapping[str, str]) -> str:
    parts: dict[str, list[str]] = {}
    for key, value in values.items():
        place, _, name = key.rpartition(".")
        parts.setdefault(place, []).append(f"{name} {value}")
    return "; ".join(f"{place}: {', '.join(said)}" if place else ", ".join(said) for place, said in parts.items())


def _texts(config: object) -> dict[str, str]:
    return {plain.line(key, 80): leaf(value) for key, value in settings(config).items()}


def _differing(flat: Sequence[Mapping[str, str]]) -> tuple[list[str], list[str]]:
    """Return the paths of kinds and of values in which some of the configurations differ."""
    keys = list(dict.fromkeys(key for one in flat for key in one))
    found = [key for key in keys if any(len(texts) > 1 for texts in _alike(flat, key))]
    kinds = [key for key in found if key.endswith(_KIND)]
    rank = {f"{name}{_KIND}": position for position, name in enumerate(_ORDER)}
    return sorted(kinds, key=lambda key: (rank.get(key, len(rank)), key)), [key for key in found if not key.endswith(_KIND)]


def _alike(flat: Sequence[Mapping[str, str]], key: str) -> list[set[str | None]]:
    """Group what a key holds by the kinds of the components around it: only within a group a difference is the key's own."""
    parents = [".".join(key.split(".")[:depth]) + _KIND for depth in range(1, key.count(".") + 1)]
    groups: dict[tuple[str | None, ...], set[str | None]] = {}
    for one in flat:
        around = tuple(one.get(parent) for parent in parents if parent != key)
        groups.setdefault(around, set()).add(one.get(key))
    return list(groups.values())


def _described(one: Mapping[str, str], kinds: Sequence[str], values: Sequence[str], flat: Sequence[Mapping[str, str]]) -> str:
    head = " + ".join(_kind(key, one[key]) for key in kinds if key in one)
    every = [key for other in flat for key in other]
    said = [f"{_label(key, every)} {plain.line(one[key], 24)}" for key in values if key in one]
    if len(said) > _VALUES:
        said = [*said[: _VALUES - 1], f"and {len(said) - _VALUES + 1} more values"]
    tail = ", ".join(said).replace(", and", " and")
    return plain.line(f"{head} ({tail})" if head and tail else head or tail, _LENGTH)


def _kind(key: str, kind: str) -> str:
    part = key.removesuffix(_KIND)
    proper = PROPER.get(part, {}).get(kind)
    if proper is not None or part in PROPER:
        return proper or plain.line(kind, 30)
    return f"{plain.line(kind, 30)} {part.rpartition('.')[2]}"


def _label(key: str, every: Sequence[str]) -> str:
    """Return the end of a path that tells it from the others: at least its last two parts."""
    parts = key.split(".")
    for length in range(2, len(parts)):
        tail = "." + ".".join(parts[-length:])
        if sum(f".{other}".endswith(tail) for other in set(every)) == 1:
            return " ".join(parts[-length:]).replace("_", " ")
    return " ".join(parts).replace("_", " ")
