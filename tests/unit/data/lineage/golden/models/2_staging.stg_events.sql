SELECT id AS event_id, user_id, kind, CAST(at AS timestamp) AS happened_at, 'app' AS source FROM raw.events
UNION ALL
SELECT id, visitor_id, 'page_view', seen_at, 'web' FROM raw.page_views
