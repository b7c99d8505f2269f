"""Decision rules: how a discussion's turns become one answer, apart from who speaks when (``discussion.decision``).

Those of MALLM (Becker et al., EMNLP 2025): thresholds of consensus, ballots, a judge; and pure votes.
"""

from magdi.core.decisions.rules import RULES, make_rule

__all__ = ["RULES", "make_rule"]
