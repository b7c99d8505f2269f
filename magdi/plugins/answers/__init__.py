"""Reading answers out of text: one file for each form of answer, and nothing that is read is ever run."""

from magdi.core.verdict import Reading, Rule
from magdi.plugins.answers.extraction import extract, normal_form, read
from magdi.plugins.answers.grading import grade

__all__ = ["Reading", "Rule", "extract", "grade", "normal_form", "read"]
