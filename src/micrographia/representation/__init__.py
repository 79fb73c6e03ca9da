"""What image representations encode: profiles, encoders, baselines, metrics, diagnostics and verdicts."""
