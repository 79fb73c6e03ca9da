"""What a score owes to confounders."""
