package main

import (
	"context"
	"database/sql"

	_ "modernc.org/sqlite"
)

const schema = `CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO users (name) SELECT 'sakura' WHERE NOT EXISTS (SELECT 1 FROM users)`

// users is the table of users.
type users struct {
	database *sql.DB
}

func openUsers(file string) (*users, error) {
	// TODO db-spans: open it through otelsql, and say what the query does.
	database, err := sql.Open("sqlite", "file:"+file)

	if err != nil {
		return nil, err
	}
	database.SetMaxOpenConns(1) // A database in memory belongs to its connection.
	if _, err := database.Exec(schema); err != nil {
		return nil, err
	}
	users := &users{database: database}
	// TODO metrics: make the histogram of queries.

	return users, err
}

// first is the user with the lowest id.
func (u *users) first(ctx context.Context) (id, name string, err error) {
	row := u.database.QueryRowContext(ctx, "SELECT id, name FROM users ORDER BY id LIMIT 1")
	err = row.Scan(&id, &name)
	return id, name, err
}
