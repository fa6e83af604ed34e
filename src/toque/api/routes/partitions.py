"""Dynamic partitions: keys that come to be by being added."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from toque.api.asking import Actor, Asked
from toque.api.errors import documented
from toque.api.wire.backfills import AddPartitions, DynamicPartitions
from toque.ports.assets import DynamicKey
from toque.schedule.partitions.keys import check_text

router = APIRouter(tags=["assets"])
PartitionsName = Annotated[
    str, Path(description="Name of the dynamic partitions.", min_length=1, max_length=200, pattern=r"^[^\x00]*$")
]


@router.get("/partitions/{name}")
async def get_partitions(asked: Asked, name: PartitionsName) -> DynamicPartitions:
    """Its keys; none where nobody added one."""
    found = await asked.store.assets.dynamic([name])
    return DynamicPartitions(name=name, keys=list(found.get(name, ())))


@router.post("/partitions/{name}", responses=documented(422))
async def add_partitions(asked: Asked, name: PartitionsName, wanted: AddPartitions, actor: Actor) -> DynamicPartitions:
    """Add keys; those that are known stay as they are."""
    now_us = asked.clock.now_us()
    for key in wanted.keys:
        check_text(key)
    keys = dict.fromkeys(wanted.keys)
    await asked.store.assets.add_keys([DynamicKey(name=name, key=key, added_us=now_us, actor=actor) for key in keys])
    return await get_partitions(asked, name)
