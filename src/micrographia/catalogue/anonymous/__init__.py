"""A copy of a dataset for reviewers that does not say who made it, and the key that restores it."""

from micrographia.catalogue.anonymous.copying import Anonymous, anonymise
from micrographia.catalogue.anonymous.key import restore

__all__ = ["Anonymous", "anonymise", "restore"]
