"""A server that is killed leaves nothing that runs, and its logs are completed by the next one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

from tests.attempts import HERE
from tests.integration.executors.conftest import Benches, eventually, listen, lives
from toque.executors.process.leftovers import Leftovers
from toque.worker import sessions

SERVER = textwrap.dedent(
    """
    import asyncio, sys
    from pathlib import Path
    from tests.attempts import Bench, HERE
    from toque.executors.process import ProcessExecutor, ProcessOptions

    async def main(tmp_path, function, *arguments):
        options = ProcessOptions(
            project=str(HERE), state_dir=str(tmp_path / "state"), blobs_url=str(tmp_path / "blobs"), workers=1
        )
        executor = ProcessExecutor(options)
        bench = Bench(executor, tmp_path)
        await executor.start(bench.sink)
        bench.begin(function, *arguments)
        print(executor._fleet._zygote.pid, flush=True)
        await asyncio.Event().wait()

    asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
    """
)


def start_server(tmp_path: Path, *arguments: str) -> tuple[subprocess.Popen[str], int]:
    root = HERE.parent.parent
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(tmp_path), *arguments], stdout=subprocess.PIPE, text=True, cwd=root
    )
    assert process.stdout
    return process, int(process.stdout.readline())


async def test_workers_die_with_their_server(tmp_path: Path, fifo: Callable[[str], str]) -> None:
    announced = fifo("announced")
    server, zygote = start_server(tmp_path, "leave_children", announced)
    pids = [int(pid) for pid in (await listen(announced)).split()]
    server.kill()
    server.wait()
    await eventually(lambda: not any(lives(pid) for pid in [*pids, zygote]))


async def test_what_outlived_server_and_zygote_is_killed_at_the_next_start(
    tmp_path: Path, fifo: Callable[[str], str], benches: Benches
) -> None:
    announced = fifo("announced")
    server, zygote = start_server(tmp_path, "leave_children", announced)
    worker, near, far = [int(pid) for pid in (await listen(announced)).split()]
    # Stopped first, so that it cannot clear up after its server.
    os.kill(zygote, signal.SIGSTOP)
    server.kill()
    server.wait()
    os.kill(zygote, signal.SIGKILL)
    await eventually(lambda: not lives(worker))
    assert lives(near)
    assert lives(far)
    await benches()
    await eventually(lambda: not lives(near) and not lives(far))


async def test_the_log_of_a_killed_server_is_completed(
    tmp_path: Path, fifo: Callable[[str], str], benches: Benches
) -> None:
    server, zygote = start_server(tmp_path, "speak_then_wait", fifo("never"))
    logs = tmp_path / "logs"
    await eventually(lambda: list(logs.glob("*.jsonl")))
    os.kill(zygote, signal.SIGSTOP)
    server.kill()
    server.wait()
    os.kill(zygote, signal.SIGKILL)
    await benches()
    [log] = logs.glob("*.jsonl")
    await eventually(lambda: '"written"' in log.read_text())
    assert '"printed"' in log.read_text()


def test_folders_of_the_living_are_left_alone(tmp_path: Path) -> None:
    mine, other = Leftovers(tmp_path), Leftovers(tmp_path)
    folder = mine.claim()
    (folder / "w1.state").write_bytes(b"")
    other.claim()
    assert other.clear() == []
    assert folder.exists()


def test_a_recorded_process_that_is_another_one_now_is_not_touched(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as stranger:
        dead = tmp_path / "1-dead"
        dead.mkdir()
        (dead / "owner").write_text(f"{stranger.pid} 1")
        (dead / "w1.pid").write_text(f"{stranger.pid} 1")
        leftovers = Leftovers(tmp_path)
        leftovers.claim()
        leftovers.clear()
        assert lives(stranger.pid)
        assert not dead.exists()
        sessions.kill(stranger.pid)
