"""Forms in which datasets are cited: DataCite JSON, CITATION.cff, BibTeX, Schema.org.

They say who made a dataset, what it is called and where it is; of what was imaged and annotated they carry little.
"""
