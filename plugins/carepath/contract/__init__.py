"""The contract with a source: what a recording system must deliver."""

from carepath.contract.model import Column, Contract, Table, load_contract

__all__ = ["Column", "Contract", "Table", "load_contract"]
