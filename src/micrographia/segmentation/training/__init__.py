"""Training the reference model: a compact U-Net for foreground, boundary and distance."""
