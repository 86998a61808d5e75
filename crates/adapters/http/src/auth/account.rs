use tenantry_identity::{Email, FullName, NewAccount, Password, Username};

use crate::{
    fields::{Field, Fields},
    problem::Problem,
};

/// The fields that every way of signing up takes.
pub(super) struct AccountFields<'a> {
    pub(super) email: &'a str,
    pub(super) username: Option<&'a str>,
    pub(super) password: &'a str,
    pub(super) full_name: Option<&'a str>,
}

impl AccountFields<'_> {
    /// The account that they ask for, together with one more field of the request.
    pub(super) fn parse<T>(
        &self,
        mut fields: Fields,
        other: impl FnOnce(&mut Fields) -> Field<T>,
    ) -> Result<(NewAccount, T), Problem> {
        let email = fields.parse("email", self.email, Email::parse);
        let username = fields.optional("username", self.username, Username::parse);
        let password = fields.parse("password", self.password, Password::parse);
        let full_name = fields.optional("full_name", self.full_name, FullName::parse);
        let other = other(&mut fields);
        let (email, username, password, full_name, other) =
            fields.finish((email, username, password, full_name, other))?;
        let account =
            NewAccount { email, username, full_name, password, is_platform_admin: false, must_change_password: false };
        Ok((account, other))
    }
}
