-- The roles of the portal. Run once per PostgreSQL server, before the first `flask portal upgrade`, as a superuser or
-- as a role with CREATEROLE. It can be repeated safely:
--
--     psql --file migrations/roles.sql postgres
--     createdb --owner portal_owner portal
--
-- Passwords and client authentication are up to the administrator (`\password portal_app`, pg_hba.conf).

DO $$
BEGIN
    -- Owns the database and its tables and migrates them (DATABASE_OWNER_URL). Row-level security does not apply to
    -- an owner, so web and workers never use this role.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'portal_owner') THEN
        CREATE ROLE portal_owner LOGIN;
    END IF;

    -- Used by web and workers (DATABASE_URL). It owns nothing, so that row-level security applies to it.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'portal_app') THEN
        CREATE ROLE portal_app LOGIN;
    END IF;

    -- The role of the cross-tenant policies. It cannot log in: portal_app switches to it for single transactions.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'portal_all_tenants') THEN
        CREATE ROLE portal_all_tenants NOLOGIN;
    END IF;
END
$$;

-- INHERIT FALSE keeps tenants apart: with a plain GRANT, the policies of portal_all_tenants would always apply to
-- portal_app. Executed on every run, to correct a plain GRANT made by hand.
GRANT portal_all_tenants TO portal_app WITH INHERIT FALSE, SET TRUE;
