"""Carepath: the nightly data warehouse of a children's social care department."""

__version__ = "0.1.0"
