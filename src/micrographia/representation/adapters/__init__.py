"""Studies in the folders in which they are published; ``load(adapter, folder, options)`` makes a :class:`Study`."""

from micrographia.representation.adapters.registry import ADAPTERS, about, load
from micrographia.representation.adapters.study import About, Study

__all__ = ["ADAPTERS", "About", "Study", "about", "load"]
