"""What automation rules mean: which assets are to be made now, and why others are not.

Pure, as all of `toque.schedule`: what is known of the data, the runs and the time arrives as a `World`.

| module | role |
|---|---|
| `world` | what is known, as values |
| `causes` | what was made upstream that an asset has not taken in |
| `holds` | what has to come first |
| `deciding` | the rules of one asset, applied |
| `waves` | all assets, upstream first: what is made together |

Three laws hold. *No cause twice*: what was asked for is remembered by the materializations that were the cause, until
it is made. *None lost*: a cause goes only when the asset was made by a run that began after it, when the run that
brought it was to make the asset too, or when it was asked for. *No loop*: what only observes is no cause, and an asset
that is made from itself is never made by itself.
"""
