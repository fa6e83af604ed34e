{# Each user's last 30 days, and the longest run of days in a row. #}
with days as (

    select
        user_id,
        happened_on,
        count(*) as events,
        sum(weight) as weight
    from {{ ref('stg_events') }}
    group by user_id, happened_on

),

gaps as (

    select
        *,
        happened_on - lag(happened_on) over (partition by user_id order by happened_on) as days_since_before
    from days

),

streaks as (

    select
        *,
        sum(case when days_since_before = 1 then 0 else 1 end)
            over (partition by user_id order by happened_on) as streak
    from gaps

),

longest as (

    select user_id, max(length) as longest_streak
    from (select user_id, streak, count(*) as length from streaks group by user_id, streak)
    group by user_id

),

recent as (

    select
        user_id,
        count(*) as active_days,
        sum(weight) as weight
    from days
    where happened_on > cast('{{ var("as_of") }}' as date) - 30
    group by user_id

),

whole as (

    select
        user_id,
        max(happened_at) as last_seen,
        count(distinct family) as families,
        count(*) as events
    from {{ ref('stg_events') }}
    group by user_id

)

select
    whole.user_id,
    whole.last_seen,
    whole.families,
    whole.events,
    coalesce(recent.active_days, 0) as active_days,
    coalesce(recent.weight, 0) as recent_weight,
    longest.longest_streak
from whole
left join recent on recent.user_id = whole.user_id
left join longest on longest.user_id = whole.user_id
