WITH numbered AS (
  SELECT
    e.*,
    row_number() OVER (PARTITION BY user_id ORDER BY happened_at DESC) AS newest_first,
    lag(kind) OVER (PARTITION BY user_id ORDER BY happened_at) AS kind_before
  FROM staging.stg_events AS e
),
per_user AS (
  SELECT
    user_id,
    count(*) AS events,
    count(*) FILTER (WHERE kind = 'export') AS exports,
    max(happened_at) AS last_seen_at,
    max(CASE WHEN newest_first = 1 THEN kind_before END) AS last_kind_before
  FROM numbered
  GROUP BY user_id
)
SELECT * FROM per_user
