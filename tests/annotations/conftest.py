"""Properties of annotations are checked without a deadline: the first call of a kernel compiles it."""

from hypothesis import settings

settings.register_profile("kernels", deadline=None, max_examples=20, print_blob=True)
settings.load_profile("kernels")
