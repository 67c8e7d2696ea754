-- The only table that `GET /handson` queries.
CREATE TABLE IF NOT EXISTS users (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL
);

INSERT INTO users (name)
SELECT 'sakura'
WHERE NOT EXISTS (SELECT 1 FROM users);
