"""Rule profiles: which rules make up a score, by name and version, as YAML."""
