-- Rules that must hold whoever writes: the laws of the records, kept by the database itself. PostgreSQL's dialect.

-- The default tenant was given its id by name.
ALTER TABLE tenant ALTER COLUMN tenant_id RESTART WITH 2;

-- Raises its first argument: a trigger's refusal in the words of the records.
CREATE FUNCTION outpace_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '%', TG_ARGV[0]; END $$;

CREATE TRIGGER consent_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON consent FOR EACH STATEMENT
EXECUTE FUNCTION outpace_refuse('consent is append-only: add a row that withdraws it');

CREATE TRIGGER suppression_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON suppression FOR EACH STATEMENT
EXECUTE FUNCTION outpace_refuse('suppression is append-only: add a row that lifts it');

CREATE TRIGGER lead_attempt_number_grows BEFORE UPDATE OF attempt_number ON lead FOR EACH ROW
WHEN (NEW.attempt_number < OLD.attempt_number)
EXECUTE FUNCTION outpace_refuse('attempt_number of a lead only grows');

CREATE TRIGGER attempt_no_delete BEFORE DELETE OR TRUNCATE ON attempt FOR EACH STATEMENT
EXECUTE FUNCTION outpace_refuse('attempts are proof and are not deleted');
-- What was decided and forecast before the call must not be rewritten after it.
CREATE TRIGGER attempt_intent_fixed BEFORE UPDATE OF
    attempt_id, tenant_id, campaign_id, lead_id, attempt_number, number, trunk, caller_id, intent_us,
    consent_allowed, consent_rule, consent_proof, why ON attempt FOR EACH STATEMENT
EXECUTE FUNCTION outpace_refuse('the intent of an attempt is proof and is not changed');

-- What came of an attempt is written once.
CREATE TRIGGER attempt_close_fixed BEFORE UPDATE ON attempt FOR EACH ROW
WHEN (OLD.closed_us IS NOT NULL)
EXECUTE FUNCTION outpace_refuse('a closed attempt is proof and is not changed');
