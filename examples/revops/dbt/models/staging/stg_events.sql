select
    e.id as event_id,
    e.user_id,
    e.kind,
    w.family,
    w.weight,
    e.seconds,
    e.happened_at,
    cast(e.happened_at at time zone 'UTC' as date) as happened_on
from {{ source('raw', 'events') }} as e
inner join {{ ref('event_weights') }} as w on w.kind = e.kind
