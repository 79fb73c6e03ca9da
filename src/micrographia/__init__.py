"""Micrographia: annotated microscopy datasets fit for AI, and honest scores of what AI learned from them."""

__version__ = "0.1.0"
