use std::{fmt, str::FromStr};

/// What a member may do in an organisation, from the most to the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Also manages owners and deletes the organisation.
    Owner,
    /// Also manages members below owner, and any member's tasks.
    Admin,
    /// Works in the organisation: own tasks, its projects.
    Member,
    /// Reads the organisation and its projects, and works on what was assigned.
    Guest,
}

/// A single right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// See the organisation itself.
    ReadOrganization,
    /// Change its name and settings.
    ChangeOrganization,
    /// Delete it.
    DeleteOrganization,
    /// See who belongs to it.
    ReadMembers,
    /// Invite, change and remove members below owner.
    ManageMembers,
    /// Make and unmake owners.
    ManageOwners,
    /// See its projects.
    ReadProjects,
    /// Make, change and delete projects.
    WriteProjects,
    /// Make tasks, and change and delete one's own.
    WriteTasks,
    /// See, change and delete any member's tasks.
    ManageTasks,
    /// See what was done and refused.
    ReadAuditLog,
    /// Ask advisors, and read one's own readings.
    AskAdvisors,
    /// Make, change and delete the organisation's own advisors, and say what readings may cost.
    ManageAdvisors,
}

/// A text is not the name of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be OWNER, ADMIN, MEMBER or GUEST")]
pub struct UnknownRole;

impl Role {
    /// Every role, from the most to the least.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Member, Self::Guest];

    /// Whether this role has the right. This is the whole table.
    #[must_use]
    pub fn allows(self, permission: Permission) -> bool {
        self >= match permission {
            Permission::ReadOrganization | Permission::ReadProjects => Self::Guest,
            Permission::ReadMembers | Permission::WriteProjects | Permission::WriteTasks | Permission::AskAdvisors => {
                Self::Member
            }
            Permission::ChangeOrganization
            | Permission::ManageMembers
            | Permission::ManageTasks
            | Permission::ReadAuditLog
            | Permission::ManageAdvisors => Self::Admin,
            Permission::DeleteOrganization | Permission::ManageOwners => Self::Owner,
        }
    }

    /// Whether somebody in this role may give and take `other`: nobody raises anyone above their own role, and owners
    /// are the business of owners alone.
    #[must_use]
    pub fn manages(self, other: Self) -> bool {
        self.allows(other.permission_to_give())
    }

    /// The name of the role, as the API and the databases spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "OWNER",
            Self::Admin => "ADMIN",
            Self::Member => "MEMBER",
            Self::Guest => "GUEST",
        }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Owner => 3,
            Self::Admin => 2,
            Self::Member => 1,
            Self::Guest => 0,
        }
    }
}

impl PartialOrd for Role {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Role {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl Permission {
    /// Every right.
    pub const ALL: [Self; 13] = [
        Self::ReadOrganization,
        Self::ChangeOrganization,
        Self::DeleteOrganization,
        Self::ReadMembers,
        Self::ManageMembers,
        Self::ManageOwners,
        Self::ReadProjects,
        Self::WriteProjects,
        Self::WriteTasks,
        Self::ManageTasks,
        Self::ReadAuditLog,
        Self::AskAdvisors,
        Self::ManageAdvisors,
    ];
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == name).ok_or(UnknownRole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C5: the table of rights is committed, so that a change of it shows in review.
    #[test]
    fn c5_the_table_of_rights_is_the_committed_one() {
        let mut table = String::from("permission            OWNER ADMIN MEMBER GUEST\n");
        for permission in Permission::ALL {
            let cells = Role::ALL.map(|role| {
                let width = role.as_str().len();
                format!("{:<width$}", if role.allows(permission) { "yes" } else { "-" })
            });
            let line = format!("{:<21} {}", format!("{permission:?}"), cells.join(" "));
            table.extend([line.trim_end(), "\n"]);
        }
        assert_eq!(table, include_str!("../permissions.txt"));
    }

    #[test]
    fn c5_nobody_manages_a_role_above_their_own() {
        for role in Role::ALL {
            for other in Role::ALL {
                let wanted = matches!(role, Role::Owner | Role::Admin) && other <= role;
                assert_eq!(role.manages(other), wanted, "{role} {other}");
            }
        }
    }

    #[test]
    fn roles_are_ordered_and_named() {
        assert!(Role::Owner > Role::Admin && Role::Admin > Role::Member && Role::Member > Role::Guest);
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert_eq!("owner".parse::<Role>(), Err(UnknownRole));
    }
}
