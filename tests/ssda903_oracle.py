"""Six rules of the Department for Education (DfE) on table OC3, in plain pandas.

Written from the wording of the rules, on the raw CSV, without anything of Carepath: what the gate
flags is compared with it. A blank is no valid code. Collection year Y ends on 31 March Y.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

IN_TOUCH = {"YES", "NO", "DIED", "REFU", "NREQ", "RHOM"}
ACTIVITY_ALWAYS = {"F1", "P1", "F2", "P2", "G4", "G5", "G6", "0"}
ACTIVITY_TO_2021 = {"F3", "P3"}
ACTIVITY_FROM_2022 = {"F4", "P4", "F5", "P5"}
ACCOMMODATION = {
    "B1", "B2", "C1", "C2", "D1", "D2", "E1", "E2", "G1", "G2", "H1", "H2", "K1", "K2", "R1", "R2",
    "S2", "T1", "T2", "U1", "U2", "V1", "V2", "W1", "W2", "X2", "Y1", "Y2", "Z1", "Z2", "0",
}  # fmt: skip


def read_oc3(path: Path) -> pd.DataFrame:
    """Return CHILD, IN_TOUCH, ACTIV and ACCOM of an OC3 file as text; "" is blank."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def flagged(oc3: pd.DataFrame, collection_year: int) -> dict[str, set[str]]:
    """Return the children whom each rule flags in the return of a collection year."""
    in_touch, activity, accommodation = oc3["IN_TOUCH"], oc3["ACTIV"], oc3["ACCOM"]
    in_force = ACTIVITY_TO_2021 if collection_year <= 2021 else ACTIVITY_FROM_2022
    filled = (oc3[["IN_TOUCH", "ACTIV", "ACCOM"]] != "").sum(axis="columns")
    rules = {
        # 131: data entry for being in touch after leaving care is invalid
        "131": ~in_touch.isin(IN_TOUCH),
        # 132: data entry for activity after leaving care is invalid
        "132": ~activity.isin(ACTIVITY_ALWAYS | in_force),
        # 133: data entry for accommodation after leaving care is invalid
        "133": ~accommodation.isin(ACCOMMODATION),
        # 153: all items on activity or accommodation must be coded or left blank
        "153": filled.isin([1, 2]),
        # 344: died or returned home, but activity or accommodation was completed
        "344": in_touch.isin(["DIED", "RHOM"]) & ((activity != "0") | (accommodation != "0")),
        # 345: in touch, but activity or accommodation is zero
        "345": (in_touch == "YES") & ((activity == "0") | (accommodation == "0")),
    }
    return {rule: set(oc3.loc[mask, "CHILD"]) for rule, mask in rules.items()}
