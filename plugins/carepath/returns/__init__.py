"""The Department's returns, written from the records: the way out for what came in.

docs/returns.md explains each return.
"""

from carepath.returns.children_in_need import write_cin
from carepath.returns.daily import write_daily
from carepath.returns.looked_after import write_ssda903
from carepath.returns.remarks import Remark
from carepath.returns.written import Written

__all__ = ["Remark", "Written", "write_cin", "write_daily", "write_ssda903"]
