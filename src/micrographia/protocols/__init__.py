"""Evaluation protocols: what is asked, fixed and hashed before anything is scored."""
