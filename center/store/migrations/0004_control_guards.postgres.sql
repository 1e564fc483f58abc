-- The audit log is a record like the others. PostgreSQL's dialect.

CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT
EXECUTE FUNCTION outpace_refuse('the audit log is append-only');
