{# A score from 0 to 100: who they are (35), how much they use (55), and how broadly (10). No part is cut off at its
   end, so that whatever changes shows. #}
with people as (

    select
        u.user_id,
        u.plan,
        c.contact_id,
        c.title,
        a.account_id,
        a.account_name,
        a.industry,
        row_number() over (partition by u.user_id order by c.contact_id) as nth
    from {{ ref('stg_users') }} as u
    inner join {{ ref('stg_contacts') }} as c on c.user_id = u.user_id
    left join {{ ref('stg_accounts') }} as a on a.account_id = c.account_id

),

parts as (

    select
        people.*,
        activity.last_seen,
        coalesce(activity.active_days, 0) as active_days,
        coalesce(activity.longest_streak, 0) as longest_streak,
        coalesce(titles.points, 0) + coalesce(plans.points, 0) as fit,
        coalesce(activity.active_days, 0)
            + 25 * (1 - exp(-coalesce(activity.recent_weight, 0) / 40.0)) as usage,
        10 * coalesce(activity.families, 0) / 3.0 as breadth
    from people
    left join {{ ref('user_activity') }} as activity on activity.user_id = people.user_id
    left join {{ ref('title_points') }} as titles on titles.title = people.title
    left join {{ ref('plan_points') }} as plans on plans.plan = people.plan
    where people.nth = 1

)

select
    user_id,
    contact_id,
    account_id,
    account_name,
    industry,
    plan,
    title,
    last_seen,
    active_days,
    longest_streak,
    round(fit, 1) as fit,
    round(usage, 1) as usage,
    round(breadth, 1) as breadth,
    round(fit + usage + breadth, 1) as lead_score
from parts
