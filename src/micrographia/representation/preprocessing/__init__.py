"""Steps between raw features and a comparison; each is fitted on training or control rows only."""
