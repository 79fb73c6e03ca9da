"""A protocol carried out: scores, comparisons, verdicts, and a result that can be repeated."""
