-- what cannot be told: a table that nobody declared, and a column that may be of two tables
SELECT s.contact_id, n.*, remark
FROM marts.scores_to_sync AS s
JOIN elsewhere.notes AS n ON n.contact_id = s.contact_id
JOIN elsewhere.remarks AS r ON r.contact_id = s.contact_id
