"""What partitions mean: their keys, the spans of time they stand for, and which of them belong together.

Pure, as all of `toque.schedule`: what time it is, and which dynamic keys there are, arrives as an argument (`Known`).

| module | role |
|---|---|
| `windows` | windows of time: keys, spans, neighbours |
| `keys` | all keys of a partitioning, and its checks |
| `selecting` | what `2026-01..2026-03` and `eu,us` select |
| `mapping` | which slices upstream a slice reads |
| `ranges` | runs of several partitions at once |
"""

from toque.schedule.partitions.keys import Known as Known
from toque.schedule.partitions.keys import check as check
from toque.schedule.partitions.keys import count as count
from toque.schedule.partitions.keys import dynamic_names as dynamic_names
from toque.schedule.partitions.keys import has_key as has_key
from toque.schedule.partitions.keys import keys as keys
from toque.schedule.partitions.mapping import upstream_keys as upstream_keys
from toque.schedule.partitions.ranges import keys_of as keys_of
from toque.schedule.partitions.selecting import selected as selected
from toque.schedule.partitions.windows import span as span
