"""Why? Lottery tickets: take and rewind them, and run the loop of training, pruning and rewinding with its controls."""

from tfredundancy.lottery.arms import ARMS
from tfredundancy.lottery.loop import Observer, Record, check_plan, levels, steps_in_all
from tfredundancy.lottery.ticket import Ticket
from tfredundancy.lottery.training import Trainer

__all__ = ["ARMS", "Observer", "Record", "Ticket", "Trainer", "check_plan", "levels", "steps_in_all"]
