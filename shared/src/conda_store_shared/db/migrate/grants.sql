-- One writer per table: run this in the database of conda-store, as the owner of its tables, after each migration.
-- `python -m conda_store_shared.db.migrate upgrade --login ...` does that, and makes the logins.  By hand:
--
--     psql --set ON_ERROR_STOP=1 --single-transaction --file grants.sql "$DATABASE_URL"
--     psql --command 'GRANT conda_store_auth TO "the login of conda-store-auth"' "$DATABASE_URL"
--
-- Three roles, one for each service with a database: conda_store_api, conda_store_auth, conda_store_artifacts.  All read
-- everything but the secrets of webhooks, which api alone reads; a table is written by the service that owns it, and by
-- api unless it is named here.  To the log of events everybody adds, nobody changes it, and api takes old ones away; in
-- the outbox each adds and removes rows of its own: rows and messages leave together.  The owner of the tables migrates
-- them.

DO $$
DECLARE
    service text;
    role text;
    writes text;
    found record;
BEGIN
    -- Databases that were made before PostgreSQL 15 let everybody make tables.
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', current_schema());
    IF pg_has_role((SELECT datdba FROM pg_database WHERE datname = current_database()), 'USAGE') THEN
        EXECUTE format('REVOKE CREATE, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    END IF;
    ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
    FOREACH service IN ARRAY ARRAY['api', 'auth', 'artifacts'] LOOP
        role := 'conda_store_' || service;
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- Roles are those of the whole server: another database has made it this moment.
            END;
        END IF;
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), role);
        FOR found IN SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema() LOOP
            EXECUTE format('REVOKE ALL ON %I FROM %I', found.name, role);
            IF service = 'api' OR found.name <> 'webhook_secret' THEN
                EXECUTE format('GRANT SELECT ON %I TO %I', found.name, role);
            END IF;
            writes := CASE
                WHEN found.name = 'outbox' THEN 'INSERT, DELETE'
                WHEN found.name = 'event' AND service = 'api' THEN 'INSERT, DELETE'
                WHEN found.name = 'event' THEN 'INSERT'
                WHEN service = CASE
                    WHEN found.name = 'alembic_version' THEN 'nobody'
                    WHEN found.name IN ('session', 'token') THEN 'auth'
                    WHEN found.name IN ('fragment', 'blob', 'artifact_blob') THEN 'artifacts'
                    ELSE 'api'
                END THEN 'INSERT, UPDATE, DELETE'
            END;
            IF writes IS NOT NULL THEN
                EXECUTE format('GRANT %s ON %I TO %I', writes, found.name, role);
            END IF;
        END LOOP;
        -- The numbers of a table are drawn by those who add to it.
        FOR found IN
            SELECT counter.relname AS name, has_table_privilege(role, depends.refobjid, 'INSERT') AS draws
            FROM pg_class AS counter JOIN pg_depend AS depends ON depends.objid = counter.oid AND depends.deptype IN ('a', 'i')
            WHERE counter.relkind = 'S' AND counter.relnamespace = current_schema()::regnamespace
        LOOP
            EXECUTE format('REVOKE ALL ON SEQUENCE %I FROM %I', found.name, role);
            IF found.draws THEN
                EXECUTE format('GRANT USAGE ON SEQUENCE %I TO %I', found.name, role);
            END IF;
        END LOOP;
        EXECUTE format('DROP POLICY IF EXISTS %I ON outbox', role);
        EXECUTE format(
            'CREATE POLICY %I ON outbox TO %I USING (service = %L) WITH CHECK (service = %L)', role, role, service, service
        );
    END LOOP;
END
$$;
