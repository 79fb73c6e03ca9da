"""Descriptions for the property tests: whole ones, in the form in which this package writes them."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from micrographia.metadata import AnnotationType, Mifa, from_dict
from micrographia.metadata.fields import Kind, Record, Spec, specs

CALM = settings(deadline=None, max_examples=60)
"""For every property test: how long an example takes depends on who else uses the machine."""

PLAIN_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=60)
"""Texts of one line, with everything that is awkward in YAML and in cells."""

AWKWARD = st.sampled_from([
    "yes", "null", "1.10", "0o17", "1e3", "=1+1", "a: b", "a #b", "- x", "? x y", "@x", "*x", "&x", "!x", "%x", "`x`",
    "'", '"', "[a", "{a}", "a,b", "2023-01-17", "12:30", "~", "<<", "C:\\new", "_x0041_", "#N/A", "a\nb", " a\n  b\n",
    "a\n\nb", "word " * 40 + "end",
    "two  spaces", "trailing ", " leading", "ends:", "é\u2028x", "\U0001f52c", "-", "...",
    "---", "\ufeffx", "[]", '["a"]', "true", "0x1F", ".5", "1_000",
])  # fmt: skip

TEXTS = st.one_of(PLAIN_TEXTS, AWKWARD).filter(
    lambda text: bool(text.strip()) and text != "?" and not text.startswith("? ")
)
"""Texts that are filled in; ``?`` is not."""

OF_KIND: dict[Kind, st.SearchStrategy[str]] = {
    Kind.ANNOTATION_TYPE: st.sampled_from([str(kind) for kind in AnnotationType]),
    Kind.DATE: st.sampled_from(["2023-01-17", "2023-01-17T10:04:00-00:00", "2021"]),
    Kind.DOI: st.sampled_from(
        ["https://doi.org/10.1038/s41592-025-02835-8", "https://doi.org/10.1242/jcs.033340"]
    ),
    Kind.EMAIL: st.just("someone@example.org"),
    Kind.LICENCE: st.sampled_from(["CC0-1.0", "CC-BY-4.0", "CC-BY-NC-4.0", "MIT"]),
    Kind.MASK_KIND: st.sampled_from(["instance", "semantic", "binary"]),
    Kind.ONTOLOGY: st.sampled_from(["FBbi:00000251", "CL:0000057"]),
    Kind.ORCID: st.just("https://orcid.org/0000-0002-1825-0097"),
    Kind.PMC: st.just("PMC7274788"),
    Kind.PUBMED: st.just("PMID:18492790"),
    Kind.ROR: st.just("https://ror.org/03dbr7087"),
    Kind.TAXON: st.just("NCBITaxon:9606"),
    Kind.UNIT: st.sampled_from(["micrometer", "nanometer"]),
    Kind.URL: st.just("https://example.org/code"),
}


def _scalar(spec: Spec) -> st.SearchStrategy[Any]:
    if spec.number is int:
        return st.integers(-(10**9), 10**9)
    if spec.number is float:
        return st.one_of(st.integers(0, 10**9), st.floats(0.125, 2**30, width=32))
    return OF_KIND[spec.kind] if spec.kind else TEXTS


@st.composite
def records(draw: st.DrawFn, model: type[Record]) -> dict[str, Any]:
    """Plain records of a model with one to four of its fields."""
    names = [name for name in specs(model) if name != "micrographia_format"]
    record: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(names), min_size=1, max_size=4, unique=True)):
        spec = specs(model)[name]
        one = records(spec.record) if spec.record else _scalar(spec)
        record[name] = draw(st.lists(one, min_size=1, max_size=2) if spec.many else one)
    return record


PLAIN = records(Mifa)
"""Plain descriptions, in strict form."""


def described(plain: dict[str, Any]) -> Mifa:
    """Return a strict plain description as a model."""
    return from_dict(plain).mifa
