"""`magdi evaluate` and `magdi ask`: runs, models and servers answer the same questions."""
