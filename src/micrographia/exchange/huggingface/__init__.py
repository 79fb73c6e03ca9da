"""Hugging Face: the dataset card, a README.md with metadata in front and the headings of the Hub's template.

Sources: https://huggingface.co/docs/hub/datasets-cards and the template of ``huggingface_hub``.
"""

from micrographia.exchange.huggingface.form import HUGGING_FACE, HuggingFace

__all__ = ["HUGGING_FACE", "HuggingFace"]
