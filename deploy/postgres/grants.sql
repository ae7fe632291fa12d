-- One writer per table: run this in the database of conda-store, as the owner of its tables, after each migration.
--
--     psql --set ON_ERROR_STOP=1 --file grants.sql "$DATABASE_URL"
--     psql --command 'GRANT conda_store_auth TO "the user of conda-store-auth"' "$DATABASE_URL"
--
-- Three roles, one for each service with a database: conda_store_api, conda_store_auth, conda_store_artifacts.  All read
-- everything; a table is written by the service that owns it, and by api unless it is named here.  The outbox and the
-- log of events are everybody's: rows and messages leave together.  The owner of the tables migrates them.

DO $$
DECLARE
    service text;
    owner text;
    found record;
BEGIN
    FOREACH service IN ARRAY ARRAY['api', 'auth', 'artifacts'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', 'conda_store_' || service);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- Roles are those of the whole server: another database may have made it.
        END;
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), 'conda_store_' || service);
        FOR found IN SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema() LOOP
            EXECUTE format('REVOKE ALL ON %I FROM %I', found.name, 'conda_store_' || service);
            EXECUTE format('GRANT SELECT ON %I TO %I', found.name, 'conda_store_' || service);
            owner := CASE
                WHEN found.name = 'alembic_version' THEN 'nobody'
                WHEN found.name IN ('outbox', 'event') THEN service
                WHEN found.name IN ('session', 'token') THEN 'auth'
                WHEN found.name IN ('fragment', 'blob', 'artifact_blob') THEN 'artifacts'
                ELSE 'api'
            END;
            IF owner = service THEN
                EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %I TO %I', found.name, 'conda_store_' || service);
            END IF;
        END LOOP;
        EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO %I', current_schema(), 'conda_store_' || service);
    END LOOP;
END
$$;
