"""Runs a Jupyter kernel for a test, or a notebook from its first cell to its last.

    python3 jupyter_driver.py kernel FOLDER
    python3 jupyter_driver.py notebook FILE

"kernel" reads requests from standard input, answers each, and prints the
messages of the kernel. "notebook" prints the cells. All are lines of JSON. When
standard input ends, "kernel" ends the kernel and itself.
"""

import asyncio
import json
import os
import sys
from queue import Empty

import nbformat
from jupyter_client.manager import start_new_async_kernel
from nbclient import NotebookClient

KERNEL = "deno"
START_TIMEOUT = 60


def emit(event, **details):
    print(json.dumps({"event": event, **details}), flush=True)


class Session:
    """A kernel, and the messages that it sends."""

    async def start(self, folder):
        self.manager, self.client = await start_new_async_kernel(
            START_TIMEOUT, KERNEL, cwd=folder
        )
        return self.listen()

    def listen(self):
        self.listeners = [
            asyncio.create_task(self.forward("output", self.client.get_iopub_msg)),
            asyncio.create_task(self.forward("reply", self.client.get_shell_msg)),
        ]
        return {"pid": self.manager.provisioner.process.pid}

    async def forward(self, event, receive):
        while True:
            try:
                message = await receive(timeout=1)
            except Empty:
                continue
            cell = message["parent_header"].get("msg_id")
            emit(event, cell=cell, type=message["msg_type"], content=message["content"])

    async def silence(self):
        for listener in self.listeners:
            listener.cancel()
        await asyncio.gather(*self.listeners, return_exceptions=True)

    async def run(self, code):
        return {"cell": self.client.execute(code)}

    async def interrupt(self):
        await self.manager.interrupt_kernel()
        return {}

    async def restart(self, now=False):
        await self.silence()
        await self.manager.restart_kernel(now=now)
        await self.client.wait_for_ready(timeout=START_TIMEOUT)
        return self.listen()

    async def shutdown(self, now=False):
        await self.silence()
        await self.manager.shutdown_kernel(now=now)
        self.client.stop_channels()
        return {}


async def run_kernel(folder):
    session = Session()
    emit("answer", **await session.start(folder))
    loop = asyncio.get_running_loop()
    try:
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            request = json.loads(line)
            method = getattr(session, request.pop("method"))
            emit("answer", **await method(**request))
    finally:
        if await session.manager.is_alive():
            await session.shutdown(now=True)


def run_notebook(file):
    notebook = nbformat.read(file, as_version=4)
    resources = {"metadata": {"path": os.path.dirname(file)}}
    client = NotebookClient(notebook, kernel_name=KERNEL, resources=resources)
    client.execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in cells:
        emit("cell", source=cell.source, outputs=cell.outputs)


if __name__ == "__main__":
    command, argument = sys.argv[1:]
    if command == "notebook":
        run_notebook(argument)
    else:
        asyncio.run(run_kernel(argument))
