select user_id, lead_score
from {{ ref('scores_to_sync') }}
where lead_score not between 0 and 100
