"""Tests of the package: `python -m unittest` in its folder."""
