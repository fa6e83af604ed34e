-- every column by a star, one of them replaced
SELECT * EXCLUDE (is_deleted) REPLACE (lower("Email") AS "Email")
FROM "revops"."raw"."contact"
WHERE NOT is_deleted
