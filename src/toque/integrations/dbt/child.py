"""The process that is dbt. It is started by its path, so that nothing but dbt is imported: `child.py PARENT build …`.

It ends with the process that started it: a dbt whose worker is gone would go on to write, and hold a DuckDB file.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Be dbt, on behalf of the process whose number comes first."""
    parent = int(sys.argv[1])
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(1)
    sys.argv = ["dbt", *sys.argv[2:]]
    from dbt.cli.main import cli

    try:
        cli()
    except SystemExit as ended:
        # dbt has closed what it opened; to take its graph apart object by object would be half a second.
        code = ended.code
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    main()
