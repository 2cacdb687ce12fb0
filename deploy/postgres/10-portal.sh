#!/bin/sh
# Sets up the roles of the portal in the PostgreSQL of compose.yaml: run once by its image, before the server takes connections.
# PORTAL_OWNER_PASSWORD and PORTAL_APP_PASSWORD are those of DATABASE_OWNER_URL and DATABASE_URL.
set -eu

: "${PORTAL_OWNER_PASSWORD:?must be set in deploy/postgres.env}"
: "${PORTAL_APP_PASSWORD:?must be set in deploy/postgres.env}"

run() {
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" "$@"
}

run --file "${PORTAL_ROLES:-/portal/roles.sql}"
# psql reads the passwords itself: as arguments they would be visible to every user of the host.
run <<'SQL'
\getenv owner_password PORTAL_OWNER_PASSWORD
\getenv app_password PORTAL_APP_PASSWORD
ALTER ROLE portal_owner PASSWORD :'owner_password';
ALTER ROLE portal_app PASSWORD :'app_password';
SELECT format('ALTER DATABASE %I OWNER TO portal_owner', current_database()) \gexec
SQL
