"""Small invented children in need censuses, written to a file for one test."""

from __future__ import annotations

from pathlib import Path

from carepath.sources import SourceSpec
from carepath.sources.cin_census import CinCensusSession, CinCensusSource

AUTHORITY = "E09900904"

CHILD = """\
    <Child>
      <ChildIdentifiers>
        <LAchildID>ASH001</LAchildID>
        <UPN>A100000000001</UPN>
        <PersonBirthDate>2012-05-14</PersonBirthDate>
        <Sex>F</Sex>
      </ChildIdentifiers>
      <ChildCharacteristics>
        <Ethnicity>WBRI</Ethnicity>
        <Disabilities>
          <Disability>HAND</Disability>
          <Disability>HEAR</Disability>
        </Disabilities>
      </ChildCharacteristics>
      <CINdetails>
        <CINreferralDate>2025-05-06</CINreferralDate>
        <ReferralSource>5D</ReferralSource>
        <PrimaryNeedCode>N1</PrimaryNeedCode>
        <CINclosureDate>2026-02-27</CINclosureDate>
        <ReasonForClosure>RC7</ReasonForClosure>
        <DateOfInitialCPC>2025-09-01</DateOfInitialCPC>
        <Assessments>
          <AssessmentActualStartDate>2025-05-06</AssessmentActualStartDate>
          <AssessmentAuthorisationDate>2025-06-19</AssessmentAuthorisationDate>
          <FactorsIdentifiedAtAssessment>
            <AssessmentFactors>1C</AssessmentFactors>
            <AssessmentFactors>6B</AssessmentFactors>
          </FactorsIdentifiedAtAssessment>
        </Assessments>
        <CINPlanDates>
          <CINPlanStartDate>2025-06-19</CINPlanStartDate>
          <CINPlanEndDate>2025-07-01</CINPlanEndDate>
        </CINPlanDates>
        <Section47>
          <S47ActualStartDate>2025-06-25</S47ActualStartDate>
          <InitialCPCtarget>2025-07-16</InitialCPCtarget>
          <DateOfInitialCPC>2025-07-01</DateOfInitialCPC>
          <ICPCnotRequired>0</ICPCnotRequired>
        </Section47>
        <Section47>
          <S47ActualStartDate>2025-10-01</S47ActualStartDate>
          <ICPCnotRequired>1</ICPCnotRequired>
        </Section47>
        <ReferralNFA>0</ReferralNFA>
        <ChildProtectionPlans>
          <CPPstartDate>2025-07-01</CPPstartDate>
          <CPPendDate>2026-01-14</CPPendDate>
          <InitialCategoryOfAbuse>PHY</InitialCategoryOfAbuse>
          <LatestCategoryOfAbuse>NEG</LatestCategoryOfAbuse>
          <NumberOfPreviousCPP>0</NumberOfPreviousCPP>
          <Reviews>
            <CPPreviewDate>2025-09-20</CPPreviewDate>
            <CPPreviewDate>2026-01-14</CPPreviewDate>
          </Reviews>
        </ChildProtectionPlans>
        <PreProceedingsandFGDM>
          <PPStartDate>2025-11-03</PPStartDate>
          <LBPSentDate>2025-11-05</LBPSentDate>
          <InitialPPMeetingDate>2025-11-20</InitialPPMeetingDate>
          <ReviewMeetingsCount>3</ReviewMeetingsCount>
          <StepDecisionDate>2026-01-20</StepDecisionDate>
          <PPOutcome>A</PPOutcome>
        </PreProceedingsandFGDM>
      </CINdetails>
    </Child>
"""
SECOND = """\
    <Child>
      <ChildIdentifiers>
        <LAchildID>ASH002</LAchildID>
        <UPNunknown>UN1</UPNunknown>
        <ExpectedPersonBirthDate>2026-05-01</ExpectedPersonBirthDate>
        <Sex>U</Sex>
      </ChildIdentifiers>
      <ChildCharacteristics>
        <Ethnicity>NOBT</Ethnicity>
      </ChildCharacteristics>
      <CINdetails>
        <CINreferralDate>2026-03-01</CINreferralDate>
        <ReferralSource>3A</ReferralSource>
        <ReferralNFA>1</ReferralNFA>
      </CINdetails>
    </Child>
"""


def census(*children: str, year: int = 2026) -> str:
    """Return a census of a year as XML, of the two invented children if none is given."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Message>\n  <Header>\n    <CollectionDetails>\n'
        f"      <Collection>CIN</Collection>\n      <Year>{year}</Year>\n"
        f"      <ReferenceDate>{year}-03-31</ReferenceDate>\n    </CollectionDetails>\n"
        "    <Source>\n      <LEA>201</LEA>\n    </Source>\n  </Header>\n  <Children>\n"
        + "".join(children or (CHILD, SECOND))
        + "  </Children>\n</Message>\n"
    )


def line_of(text: str, part: str) -> int:
    """Return the line of a file on which a text is first."""
    return text[: text.index(part)].count("\n") + 1


def write_census(path: Path, text: str | bytes) -> Path:
    """Write a census file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def open_census(place: Path, query: str = "") -> CinCensusSession:
    """Open a file or folder as the source of an invented authority."""
    spec = SourceSpec("cin-test", AUTHORITY, "Ashmere", f"cin:{place}{query}")
    return CinCensusSource(spec).open()
