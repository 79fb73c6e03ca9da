"""What a design can tell, from its metadata alone, before any score."""
