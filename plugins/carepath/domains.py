"""The domains: the folders of staging, core and marts, and the headings of the rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Each name with what belongs to it. A layer has a folder only for domains that it has models for.
DOMAINS: Final[Mapping[str, str]] = {
    "front_door": "Contacts, early help and referrals",
    "children_in_need": "Assessments, and plans and visits of children in need",
    "child_protection": "Enquiries, conferences and child protection plans",
    "edge_of_care": "Panels, pre-proceedings, and who comes close to care or enters it",
    "in_care": "Periods of care, legal statuses, placements and what they cost",
    "leaving_care": "Care leavers: eligibility, education and work, homes, pathway plans",
    "programmes": "Programmes, cohorts, carers, unit costs and targets",
    "practice": "Observations, interviews, goals and services of practice",
    "workforce": "Teams, workers and allocations",
    "young_people": "Who the young people are",
    "journey": "Plans, visits, reviews and events across the domains, in order",
    "finance": "The section 251 return",
    "education": "Special educational needs and education, health and care plans",
    "statistics": "Published figures of the Department, neighbours, populations, equity",
    "reference": "Calendar, snapshots, segments and authorities",
    "operations": "Loads, gate runs and rules of the nights",
}
