-- What happened in an answered call, moment by moment: JSON, an array of {at_us, what, detail}; written at its end. In
-- the SQL that both databases share (see 0001).

ALTER TABLE cdr ADD COLUMN timeline TEXT;
