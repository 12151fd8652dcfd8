-- Two roles for one database: `madang` owns the schema and migrates, `madang_serve` serves and cannot change the schema.
-- Run it once as the database's administrator, in the database, before the first migration or after it. Then set the
-- password of madang_serve. docs/operations.md says which process uses which role.
CREATE ROLE madang_serve LOGIN;

-- PostgreSQL before 15 let every role create tables in this schema.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO madang_serve;

-- What madang has created already, and what it will create.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO madang_serve;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO madang_serve;
ALTER DEFAULT PRIVILEGES FOR ROLE madang IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO madang_serve;
ALTER DEFAULT PRIVILEGES FOR ROLE madang IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO madang_serve;
