"""Find datasets and see what is done with them: index, search, curation, credit.

``index`` reads datasets into a catalogue, :class:`Catalogue` and ``find`` answer questions, ``publish`` writes it as
files that anyone can query in place.
"""

from micrographia.catalogue.entry import Entry, ImageEntry, Passed, SetEntry
from micrographia.catalogue.errors import CatalogueError
from micrographia.catalogue.finding import Catalogue, find
from micrographia.catalogue.found import Found
from micrographia.catalogue.indexing import Indexed, add_entries, index
from micrographia.catalogue.publishing import Published, publish
from micrographia.catalogue.shelf import IMAGE_COLUMNS, default_place
from micrographia.catalogue.sql import connect
from micrographia.catalogue.store import Store

__all__ = [
    "IMAGE_COLUMNS",
    "Catalogue",
    "CatalogueError",
    "Entry",
    "Found",
    "ImageEntry",
    "Indexed",
    "Passed",
    "Published",
    "SetEntry",
    "Store",
    "add_entries",
    "connect",
    "default_place",
    "find",
    "index",
    "publish",
]
