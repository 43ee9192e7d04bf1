"""The app: `streamlit run app.py`, or `ssl-playground`. Pages come from playground/ui, the rest from playground/web."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import streamlit as st
import torch
from starlette.middleware import Middleware

from playground.home import HERE, HomeError
from playground.runs import recordings
from playground.runs.lock import HomeInUse
from playground.runs.pool import close_shared_pools, shared_pool
from playground.web.first_picture import FirstPicture
from playground.web.hints import Hinting
from playground.web.packing import PackedOnce
from playground.web.routes import routes
from playground.web.stopping import hear_of_the_end

# Workers train; what pages compute is small. Beside a training a second thread here would only wait: 330 ms for a forward pass of 27.
torch.set_num_threads(1)
stopping = threading.Event()


def begin() -> None:
    """What must be there before the first page: the pool, and the recordings in its store."""
    recordings.install(shared_pool().store)


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """Workers begin to warm up with the server, so that the first Start is quick; at its end they put their runs down."""
    try:
        await asyncio.to_thread(begin)
    except (HomeInUse, HomeError) as error:
        # One sentence; an exception here would be buried under the server's own traceback. Nothing has been opened yet.
        print(f"ssl-playground: {error}", file=sys.stderr, flush=True)
        os._exit(1)
    hear_of_the_end(stopping)
    try:
        yield
    finally:
        await asyncio.to_thread(close_shared_pools)


middleware = [Middleware(Hinting), Middleware(FirstPicture), Middleware(PackedOnce)]
app = st.App(HERE / "ui" / "frame.py", routes=routes(shared_pool, stopping), middleware=middleware, lifespan=lifespan)
