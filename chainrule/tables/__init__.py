"""Tables of numbers to arrays: reading, checking, splitting, standardising, judging, writing."""

from chainrule.tables.csvfile import read_table
from chainrule.tables.dataset import Dataset, Portion, prepare
from chainrule.tables.digits import load_digits
from chainrule.tables.look import ASKED, Kind, Look, kinds_from, look
from chainrule.tables.metrics import Metrics, answers, constant_answers, judged
from chainrule.tables.notes import notes_of_inputs
from chainrule.tables.predictions import Predictions, predictions_of
from chainrule.tables.preparation import Preparation, preparation_from
from chainrule.tables.table import Table
from chainrule.tables.target import Task, task_of
from chainrule.tables.words import listed, quoted

__all__ = [
    "ASKED",
    "Dataset",
    "Kind",
    "Look",
    "Metrics",
    "Portion",
    "Predictions",
    "Preparation",
    "Table",
    "Task",
    "answers",
    "constant_answers",
    "judged",
    "kinds_from",
    "listed",
    "load_digits",
    "look",
    "notes_of_inputs",
    "predictions_of",
    "preparation_from",
    "prepare",
    "quoted",
    "read_table",
    "task_of",
]
