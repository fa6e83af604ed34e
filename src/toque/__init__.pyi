"""The names of `toque`, for type checkers and editors; `__init__.py` imports them when they are used."""

from toque.authoring.branches import branch as branch
from toque.authoring.branches import one_of as one_of
from toque.authoring.branches import when as when
from toque.authoring.flows import flow as flow
from toque.authoring.groups import group as group
from toque.authoring.holes import each as each
from toque.authoring.holes import failures as failures
from toque.authoring.holes import ok as ok
from toque.authoring.holes import outcome as outcome
from toque.authoring.holes import outcomes as outcomes
from toque.authoring.options import Cache as Cache
from toque.authoring.options import Pool as Pool
from toque.authoring.options import Retry as Retry
from toque.authoring.pipelines import pipeline as pipeline
from toque.authoring.setups import setup as setup
from toque.authoring.shells import shell as shell
from toque.authoring.supplies import Connection as Connection
from toque.authoring.supplies import Secret as Secret
from toque.authoring.supplies import Variable as Variable
from toque.authoring.supplies import resource as resource
from toque.authoring.supplies import use as use
from toque.authoring.tasks import task as task
from toque.errors import DataError as DataError
from toque.errors import ToqueError as ToqueError
from toque.errors import TransientError as TransientError
from toque.errors import UserError as UserError
from toque.worker.context import Context as Context
from toque.worker.context import Interval as Interval
from toque.worker.context import artifact as artifact
from toque.worker.context import context as context
from toque.worker.context import metric as metric
from toque.worker.context import progress as progress
from toque.worker.control import Cancelled as Cancelled
from toque.worker.control import NotYet as NotYet
from toque.worker.control import Skip as Skip
from toque.worker.flow_context import now as now
from toque.worker.flow_context import random as random
from toque.worker.flow_context import sleep as sleep
from toque.worker.flow_context import sleep_blocking as sleep_blocking
from toque.worker.flow_context import uuid as uuid
from toque.worker.outcomes import Failure as Failure
from toque.worker.outcomes import Ok as Ok
from toque.worker.outcomes import RunReport as RunReport
from toque.worker.outcomes import Skipped as Skipped

__version__: str
