-- From the decision to dial to the answer, of a counted attempt: the ledger needs it, and the attempt's moments are only
-- written when it closes.
ALTER TABLE attempt ADD COLUMN rang_us BIGINT;
