"""How good a model is: answers to a task's questions, grades, and statistics that say what the numbers are worth."""
