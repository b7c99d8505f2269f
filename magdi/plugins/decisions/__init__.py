"""The shipped decision rules: pure votes, thresholds, ballots and a judge (MALLM; Becker et al., EMNLP 2025)."""
