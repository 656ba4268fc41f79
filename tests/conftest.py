"""Settings that hold for every test."""

from hypothesis import settings

settings.register_profile("resilver", deadline=None, max_examples=60)
settings.load_profile("resilver")
