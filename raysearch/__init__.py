"""raysearch: search hyperparameters and patch-sampling strategies for image restoration on Ray.

A study is a table of trials, and whatever is adaptive has two verbs, ``suggest`` and ``update``. Importing this package imports
neither torch nor Ray; each subpackage says in its own docstring what it needs.
"""

__version__ = "0.1.0"
__all__ = ["__version__"]
