from tests.core.evaluation.conftest import task as task
