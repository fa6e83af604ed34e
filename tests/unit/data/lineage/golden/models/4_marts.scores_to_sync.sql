WITH contacts AS (SELECT * FROM staging.stg_contact),
scored AS (
  SELECT
    c."Id" AS contact_id,
    c."Email" AS email,
    u.last_seen_at,
    coalesce(u.events, 0) + 10 * coalesce(u.exports, 0) AS raw_score,
    (SELECT max(weight) FROM raw.weights AS w WHERE w.segment = c.segment) AS weight,
    CURRENT_DATE AS scored_on
  FROM contacts AS c
  LEFT JOIN marts.usage AS u ON u.user_id = c.user_id
)
SELECT
  contact_id,
  email,
  last_seen_at,
  least(100, round(raw_score * weight)) AS lead_score,
  ntile(10) OVER (ORDER BY raw_score DESC) AS decile,
  scored_on,
  1 AS version
FROM scored
