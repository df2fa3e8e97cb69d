"""Tables of numbers to arrays: reading, checking, splitting, standardising, judging, writing."""

from chainrule.tables.csvfile import read_table
from chainrule.tables.dataset import Dataset, Part, prepare
from chainrule.tables.digits import load_digits
from chainrule.tables.metrics import Metrics, answers, constant_answers, judged
from chainrule.tables.predictions import Predictions, predictions_of
from chainrule.tables.preparation import Preparation, preparation_from
from chainrule.tables.table import Table
from chainrule.tables.target import Task, task_of
from chainrule.tables.words import listed, quoted

__all__ = [
    "Dataset",
    "Metrics",
    "Part",
    "Predictions",
    "Preparation",
    "Table",
    "Task",
    "answers",
    "constant_answers",
    "judged",
    "listed",
    "load_digits",
    "predictions_of",
    "preparation_from",
    "prepare",
    "quoted",
    "read_table",
    "task_of",
]
