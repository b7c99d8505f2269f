"""Reading answers out of text: one file for each form of answer, and nothing that is read is ever run."""

from magdi.core.answers.extraction import extract, normal_form
from magdi.core.answers.grading import grade

__all__ = ["extract", "grade", "normal_form"]
