-- Rules that must hold whoever writes: the laws of the records, kept by the database itself. SQLite's dialect.

CREATE TRIGGER consent_no_update BEFORE UPDATE ON consent
BEGIN SELECT RAISE(ABORT, 'consent is append-only: add a row that withdraws it'); END;
CREATE TRIGGER consent_no_delete BEFORE DELETE ON consent
BEGIN SELECT RAISE(ABORT, 'consent is append-only: add a row that withdraws it'); END;

CREATE TRIGGER suppression_no_update BEFORE UPDATE ON suppression
BEGIN SELECT RAISE(ABORT, 'suppression is append-only: add a row that lifts it'); END;
CREATE TRIGGER suppression_no_delete BEFORE DELETE ON suppression
BEGIN SELECT RAISE(ABORT, 'suppression is append-only: add a row that lifts it'); END;

CREATE TRIGGER lead_attempt_number_grows BEFORE UPDATE OF attempt_number ON lead
WHEN NEW.attempt_number < OLD.attempt_number
BEGIN SELECT RAISE(ABORT, 'attempt_number of a lead only grows'); END;

CREATE TRIGGER attempt_no_delete BEFORE DELETE ON attempt
BEGIN SELECT RAISE(ABORT, 'attempts are proof and are not deleted'); END;
-- What was decided and forecast before the call must not be rewritten after it.
CREATE TRIGGER attempt_intent_fixed BEFORE UPDATE OF
    attempt_id, tenant_id, campaign_id, lead_id, attempt_number, number, trunk, caller_id, intent_us,
    consent_allowed, consent_rule, consent_proof, why ON attempt
BEGIN SELECT RAISE(ABORT, 'the intent of an attempt is proof and is not changed'); END;
