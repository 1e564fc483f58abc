
-- Each foreign key costs PostgreSQL a question for every row; these rows are written in one transaction with what they
-- name, by one piece of code (contacts/make.rs), and nothing deletes contacts or tenants.
ALTER TABLE lead DROP CONSTRAINT lead_tenant_id_fkey;
ALTER TABLE contact DROP CONSTRAINT contact_tenant_id_fkey;
ALTER TABLE contact_number DROP CONSTRAINT contact_number_tenant_id_contact_id_fkey;
ALTER TABLE contact_word DROP CONSTRAINT contact_word_tenant_id_contact_id_fkey;
