"""Statistics of evaluations: groups are independent, not rows; verdicts come with what the design can tell."""
