"""The transfer matrix: models by datasets, with what is known of contamination."""
