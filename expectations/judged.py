"""Which records a rule judges, in plain words, from the condition that the rule declares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from carepath.contract.model import load_contract
from expectations.rule import Rule
from expectations.subjects import required_tables, subject

MOST_TABLES_NAMED: Final = 4
ALL: Final = "true"

# what the parts of conditions mean that their names do not say; a rule joins parts with "and"
MEANINGS: Final[Mapping[str, str]] = {
    "is_in_year": "the record belongs to the year of the return",
    "is_in_census": "the record belongs to the year of the census",
    "is_in_return": "the record belongs to the year of the return",
    "is_from_return": "it came with a return",
    "is_new_in_return": "it came with the return of this year",
    "is_placing_record": "the return of this year has the decision",
    "is_filled": "the return says something about the care leaver",
    "is_open": "the case is open",
    "is_case_closed": "the case is closed",
    "is_under_way": "it has begun and has not ended",
    "is_care_leaver": "the person is a care leaver",
    "is_uasc": "the child is an unaccompanied asylum-seeking child",
    "not is_uasc": "the child is not an unaccompanied asylum-seeking child",
    "is_looked_after_all_year": "the child was looked after for the whole year",
    "is_other_authority_plan is not true": "the plan belongs to this authority",
    "not is_short_break": "the episode is not a short break",
    "not is_period_start": "it does not begin a period of care",
    "has_episode_in_year": "the child was looked after in the year",
    "has_episode": "the child has an episode of care",
    "has_activity": "an activity is given",
    "has_early_help": "the family has early help",
    "has_case_with_action": "the child has a case that was not closed without action",
    "has_history_from_14": "the records go back to the 14th birthday",
    "has_history_from_16": "the records go back to the 16th birthday",
    "sends_distances": "the authority sends distances",
    "sends_postcodes": "the authority sends postcodes",
    "sends_urns": "the authority sends URNs",
    "sends_areas": "the authority sends areas",
    "sends_earlier_years": "the authority sends allocations of earlier years",
    "in_case_count = 1": "it belongs to one case",
    "num_nonnulls(siblings_placed_together_count, siblings_placed_apart_count) > 0": "siblings "
    "placed together or apart are counted",
    "in_touch_sent is not null or has_activity or has_accommodation": "the authority sends "
    "something about contact, activity or accommodation",
    "accommodation_sent is not null or suitability_sent is not null": "the authority sends the "
    "accommodation or whether it is suitable",
    "first_date is not null or latest_past_date is not null": "it has a first date or a date in "
    "the past",
    "coalesce(review_due_date < night, true)": "no review is due later",
    "coalesce(end_date > start_date, true)": "it does not end before it starts",
    "end_date > start_date": "it ends after it starts",
    "identifier_type ~* '(upn|unique pupil)'": "the identifier is a unique pupil number",
    "(identifier_type ~* 'former' or valid_to_date <= night)": "the identifier is a former one",
    "birth_date < census_end - interval '6 years'": "the child is over 6 at the end of the census",
    "birth_date < census_end - interval '25 years'": "the person is over 25 at the end of the "
    "census",
    "age_years < 22": "the person is younger than 22",
    "accommodation_code <> '0'": "accommodation code is not 0",
    "in_touch_code = 'DIED'": "the young person has died",
    "in_touch_code = 'YES'": "the authority is in touch with the young person",
}
PATTERNS: Final[tuple[tuple[str, str], ...]] = (
    (r"(\w+) is not null", "{0} is filled in"),
    (r"(\w+) is null", "{0} is blank"),
    (r"(\w+) = '([^']*)'", "{0} is {1}"),
    (r"(\w+) > 0", "{0} is more than 0"),
    (r"not is_(\w+)", "it is not {0}"),
    (r"is_(\w+)", "it is {0}"),
    (r"has_(\w+)", "it has {0}"),
)


def judged_in_words(condition: str) -> str:
    """Return the condition of a rule in plain words.

    Args:
        condition: what `Rule.judged` holds.

    Raises:
        ValueError: it has a part that this module has no words for.
    """
    parts = re.split(r"\s+and\s+(?![^()]*\))", " ".join(condition.split()))
    return " and ".join(map(_words, parts))


def judges(rule: Rule, mark: str = "") -> str:
    """Return which records a rule judges, such as `the records of ssd_person where ...`.

    Args:
        rule: the rule.
        mark: what surrounds names of tables, such as a backtick.
    """
    which, where = "every record", ""
    if rule.judged != ALL:
        which, where = "the records", f" where {judged_in_words(rule.judged)}"
    if set(rule.subjects) <= set(required_tables()):
        which = "the whole"
    if len(rule.subjects) > MOST_TABLES_NAMED:
        return f"{which} of {len(rule.subjects)} tables, each on its own{where}"
    contract = load_contract()
    names = [contract.by_entity(subject(name).entity).name for name in rule.subjects]
    return f"{which} of {', '.join(f'{mark}{name}{mark}' for name in names)}{where}"


def _words(part: str) -> str:
    if part in MEANINGS:
        return MEANINGS[part]
    if found := re.fullmatch(r"(\w+) in \(([^)]*)\)", part):
        *codes, last = re.findall(r"'([^']*)'", found[2])
        return f"{_plain(found[1])} is {', '.join(codes)} or {last}"
    for pattern, words in PATTERNS:
        if found := re.fullmatch(pattern, part):
            return words.format(_plain(found[1]), *found.groups()[1:])
    raise ValueError(f"There are no words for the condition {part}. Add them to MEANINGS.")


def _plain(column: str) -> str:
    return column.replace("_", " ")
