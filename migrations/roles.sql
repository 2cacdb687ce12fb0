-- The roles of the portal. Run once per PostgreSQL server, before the first `flask portal upgrade`, as a superuser or
-- as a role with CREATEROLE; running it again changes nothing:
--
--     psql --file migrations/roles.sql postgres
--     createdb --owner portal_owner portal
--
-- Passwords and who may connect from where are left to the server's owner (`\password portal_app`, pg_hba.conf).

DO $$
BEGIN
    -- Owns database and tables and migrates them (DATABASE_OWNER_URL). Row-level security does not bind an owner,
    -- so web and workers never sign in with it.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'portal_owner') THEN
        CREATE ROLE portal_owner LOGIN;
    END IF;

    -- Web and workers sign in with it (DATABASE_URL). It owns nothing: that is what makes row-level security hold.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'portal_app') THEN
        CREATE ROLE portal_app LOGIN;
    END IF;

    -- Policies that see every tenant name it. Nobody signs in with it: portal_app switches to it for one transaction.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'portal_all_tenants') THEN
        CREATE ROLE portal_all_tenants NOLOGIN;
    END IF;
END
$$;

-- INHERIT FALSE is the wall between tenants: with a plain GRANT the policies of portal_all_tenants would apply to
-- portal_app at all times. Stated on every run, so that a plain GRANT made by hand is taken back.
GRANT portal_all_tenants TO portal_app WITH INHERIT FALSE, SET TRUE;
