"""Run many tasks here or on a cluster: progress, cancel, and errors that name their input.

Everything that works through many files goes through :func:`stream` or :func:`run`. Outcomes come in the order of the
tasks, so they do not depend on the number of workers; a task that fails yields an :class:`Outcome` with its error and
the others go on. Processes are spawned, never forked: readers with threads of their own abort or hang after a fork.
"""

from micrographia.work.outcomes import Outcome, TaskError
from micrographia.work.progress import Progress
from micrographia.work.streams import Kind, cores, run, stream

__all__ = ["Kind", "Outcome", "Progress", "TaskError", "cores", "run", "stream"]
