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

-- What came of an attempt is written once.
CREATE TRIGGER attempt_close_fixed BEFORE UPDATE ON attempt
WHEN OLD.closed_us IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a closed attempt is proof and is not changed'); END;

-- INSERT OR REPLACE deletes the old row without asking the triggers above (SQLite, unless recursive_triggers is on).
CREATE TRIGGER consent_no_replace BEFORE INSERT ON consent
WHEN EXISTS (SELECT 1 FROM consent WHERE consent_id = NEW.consent_id)
BEGIN SELECT RAISE(ABORT, 'consent is append-only: add a row that withdraws it'); END;
CREATE TRIGGER suppression_no_replace BEFORE INSERT ON suppression
WHEN EXISTS (SELECT 1 FROM suppression WHERE suppression_id = NEW.suppression_id)
BEGIN SELECT RAISE(ABORT, 'suppression is append-only: add a row that lifts it'); END;
CREATE TRIGGER attempt_no_replace BEFORE INSERT ON attempt
WHEN EXISTS (SELECT 1 FROM attempt WHERE attempt_id = NEW.attempt_id)
    OR EXISTS (SELECT 1 FROM attempt WHERE tenant_id = NEW.tenant_id AND lead_id = NEW.lead_id
               AND attempt_number = NEW.attempt_number)
BEGIN SELECT RAISE(ABORT, 'attempts are proof and are not replaced: id and number are UNIQUE'); END;
