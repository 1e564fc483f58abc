//! A contact's numbers as a hopper asks for them: what else is a person to be reached by?

use std::collections::BTreeMap;

use base::ListId;

use crate::db::Sql;
use crate::ops::id;
use crate::rows::TenantId;
use crate::{Store, StoreError};

impl Store {
    /// The other numbers of the contacts that have these, by number, in the order in which they are dialled: at most
    /// [`CONTACT_NUMBERS_MAX`](crate::CONTACT_NUMBERS_MAX) each. A number without others is not there.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn numbers_beside(
        &self,
        tenant: TenantId,
        numbers: &[String],
    ) -> Result<BTreeMap<String, Vec<String>>, StoreError> {
        let mut beside: BTreeMap<String, Vec<String>> = BTreeMap::new();
        if numbers.is_empty() {
            return Ok(beside);
        }
        // CROSS JOIN: the numbers are looked up first, whatever SQLite's figures say (contacts/make.rs).
        let mut query = Sql::new(
            "SELECT known.number AS number, other.number AS other FROM contact_number known \
             CROSS JOIN contact_number other WHERE other.tenant_id = known.tenant_id \
             AND other.contact_id = known.contact_id AND other.number <> known.number AND known.tenant_id = ",
        );
        query.bind(id(tenant.0)?).push(" AND known.number IN (").list(numbers.iter().map(String::as_str));
        query.push(") ORDER BY known.number, other.place, other.number");
        let pairs: Vec<(String, String)> =
            self.page("other numbers of contacts", query, |row| Ok((row.get("number")?, row.get("other")?)))?;
        for (number, other) in pairs {
            beside.entry(number).or_default().push(other);
        }
        Ok(beside)
    }

    /// Which of these numbers stand on one of these lists as leads of their own.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn numbers_on(
        &self,
        tenant: TenantId,
        lists: &[ListId],
        numbers: &[String],
    ) -> Result<Vec<String>, StoreError> {
        if lists.is_empty() || numbers.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = Sql::new("SELECT DISTINCT number FROM lead WHERE tenant_id = ");
        query.bind(id(tenant.0)?).push(" AND list_id IN (").list(lists.iter().map(|list| list.0.cast_signed()));
        query.push(") AND number IN (").list(numbers.iter().map(String::as_str)).push(")");
        self.page("numbers of lists", query, |row| row.get("number"))
    }
}
